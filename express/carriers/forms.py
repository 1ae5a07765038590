"""Carriers that are asked by a form at one address and answer JSON."""

from collections.abc import Mapping
from functools import cached_property
from typing import Any

import requests

from backend.core.http import never_connected, provider_session, refuse_inside_transaction
from express.carriers.base import Busy, OutcomeUnknown

TIMEOUT_S = (3.0, 10.0)


class FormDesk:
    """One address. The connection is made where it is first used and kept."""

    def __init__(self, base: str) -> None:
        self._base = base

    @cached_property
    def _session(self) -> requests.Session:
        return provider_session(self._base)

    def post(self, form: Mapping[str, str] | str) -> dict[str, Any]:
        """The answer to a form, or to one that is written already. Raises Busy, OutcomeUnknown."""
        refuse_inside_transaction()
        headers = {"Content-Type": "application/x-www-form-urlencoded; charset=UTF-8"}
        try:
            response = self._session.post(
                self._base, data=form, headers=headers, allow_redirects=False, timeout=TIMEOUT_S
            )
        except requests.RequestException as trouble:
            raise Busy("NOT_SENT") if never_connected(trouble) else OutcomeUnknown("TIMEOUT") from None
        if response.status_code == requests.codes.too_many_requests:
            raise Busy("HTTP_429")
        if response.status_code != requests.codes.ok:
            raise OutcomeUnknown(f"HTTP_{response.status_code}")
        try:
            answer = response.json()
        except ValueError:
            raise OutcomeUnknown("UNREADABLE") from None
        if not isinstance(answer, dict):
            raise OutcomeUnknown("UNREADABLE")
        return answer


def text(item: Mapping[str, Any], name: str) -> str:
    """A field as text; "" when it is missing or null."""
    value = item.get(name)
    return "" if value is None else str(value).strip()
