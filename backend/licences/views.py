"""A looked-up licence as the API shows it."""

from typing import Any, Final

from backend.core.errors import Text
from backend.licences import service
from backend.licences.models import LicenceFetch
from backend.licences.states import State

WORDS: Final[dict[State, Text]] = {
    State.REQUESTED: Text("正在查询", "Being looked up"),
    State.FOUND: Text("已获取，不用上传", "Found. Nothing to upload"),
    State.NOT_FOUND: Text("没有查到，请上传材料", "Not found. Upload the document"),
    State.MISMATCH: Text(
        "查到的姓名和你的不一致，请上传材料", "The name on record differs from yours. Upload the document"
    ),
    State.EXPIRED: Text(
        "查到的证照已过期，请换证后再办，或上传有效的", "The document has expired. Renew it, or upload a valid one"
    ),
    State.INVALID: Text("查到的证照核对不上，请上传材料", "What was found does not check out. Upload the document"),
    State.UNAVAILABLE: Text(
        "暂时查不了，可以重试，也可以上传材料", "It cannot be looked up now. Try again, or upload it"
    ),
}


def shown(fetch: LicenceFetch, language: str) -> dict[str, Any]:
    """All that may be seen of it."""
    names = (
        "id", "state", "subject_type", "subject_id", "material", "kind", "purpose", "consented_at", "identifier",
        "issuer", "level", "valid_until",
    )  # fmt: skip
    return {
        **{name: getattr(fetch, name) for name in names},
        "item": fetch.item_slug,
        "words": WORDS[fetch.state].in_language(language),
        "upload_instead": fetch.state not in (State.FOUND, State.REQUESTED),
        "lines": [{"label": label, "value": value} for label, value in service.lines(fetch)],
    }
