"""Alipay as its merchants meet it: gateway, cashier, notifications, bills, login. Shares no code with the adapter."""
