"""How an office says no."""

from __future__ import annotations


class OfficeRefusal(Exception):
    """The office refuses with a code and an HTTP status."""

    def __init__(self, code: str, status: int = 422) -> None:
        super().__init__(code)
        self.code = code
        self.status = status
