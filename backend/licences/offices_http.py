"""The licence library and e证明 by signed JSON over HTTP."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from backend.core.config import Settings, parse_keys
from backend.core.errors import ProviderProtocolError, ProviderRejected
from backend.core.office import Office as Line
from backend.licences.kinds import Source
from backend.licences.ports import Found, HolderMismatch, Office, Request

NONE, MISMATCH = "NOT_FOUND", "HOLDER_MISMATCH"
LEVELS = frozenset("ABCD")


@lru_cache(maxsize=2)
def from_settings(settings: Settings) -> Mapping[Source, Office]:
    """The offices whose address is set."""
    offset_s = settings.clock_offset_s
    found: dict[Source, Office] = {}
    if settings.licence_base:
        keys = parse_keys("LICENCE_KEYS", settings.licence_keys)
        line = Line("licence_library", settings.licence_base, settings.licence_app, keys, offset_s=offset_s)
        found["licence_library"] = HttpLibrary(line)
    if settings.eproof_base:
        keys = parse_keys("EPROOF_KEYS", settings.eproof_keys)
        found["eproof"] = HttpProofs(Line("eproof", settings.eproof_base, settings.eproof_app, keys, offset_s=offset_s))
    return found


class HttpLibrary:
    """The licence library."""

    def __init__(self, line: Line) -> None:
        self._line = line

    def fetch(self, request: Request) -> Found | None:
        answer = _asked(self._line, "licences/get", type_code=request.code, request=request)
        if answer is None:
            return None
        level = self._line.text(answer, "level")
        if level not in LEVELS:
            raise ProviderProtocolError(self._line.provider, "level")
        return _found(self._line, answer, "identifier", level)


class HttpProofs:
    """e证明."""

    def __init__(self, line: Line) -> None:
        self._line = line

    def fetch(self, request: Request) -> Found | None:
        answer = _asked(self._line, "proofs/get", proof=request.code, request=request)
        return None if answer is None else _found(self._line, answer, "proof_no", None)


def _asked(line: Line, operation: str, *, request: Request, **kind: str) -> dict[str, Any] | None:
    try:
        return line.ask(
            operation,
            **kind,
            request_no=request.request_no,
            holder_name=request.holder_name,
            holder_number=request.holder_number,
            item_code=request.item_code,
            case_ref=request.case_ref,
            purpose=request.purpose,
        )
    except ProviderRejected as refused:
        if refused.provider_code == NONE:
            return None
        if refused.provider_code == MISMATCH:
            raise HolderMismatch() from None
        raise


def _found(line: Line, answer: Mapping[str, Any], number: str, level: str | None) -> Found:
    try:
        digest = bytes.fromhex(line.text(answer, "content_sha256"))
    except ValueError:
        digest = b""
    if len(digest) != 32:
        raise ProviderProtocolError(line.provider, "content_sha256")
    return Found(
        identifier=line.text(answer, number),
        holder_name=line.text(answer, "holder_name"),
        holder_number=line.text(answer, "holder_number"),
        issuer=line.text(answer, "issuer"),
        valid_until=line.day_or_none(answer, "valid_until"),
        content_sha256=digest,
        lines=line.pairs(answer, "view"),
        level=level,
    )
