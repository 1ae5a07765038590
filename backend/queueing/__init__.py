"""The hall entrance: check-ins 签到 and queue tickets 取号."""
