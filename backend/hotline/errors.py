"""Refusals about the hotline."""

from backend.core.errors import ServiceError, Text


class HotlineAway(ServiceError):
    """The hotline is not joined here."""

    status = 503
    code = "hotline_away"
    title = Text("请直接拨打 12345", "Please call 12345")
