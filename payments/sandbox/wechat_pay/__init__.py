"""WeChat Pay as its merchants meet it: API v3, cashier, notices, bills. Shares no code with the adapter."""
