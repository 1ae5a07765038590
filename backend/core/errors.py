"""One hierarchy of errors. Every class has a stable `code` and a title in both languages.

`backend/core/problems.py` turns them into application/problem+json (RFC 9457).
"""

from typing import Any, ClassVar, NamedTuple


class Text(NamedTuple):
    """A sentence a citizen may see, in both languages."""

    zh: str
    en: str

    def in_language(self, language: str) -> str:
        return self.en if language == "en" else self.zh


class FieldError(NamedTuple):
    """One refused field: an RFC 6901 pointer and what is wrong with it."""

    pointer: str
    detail: Text


class ServiceError(Exception):
    """Base of every expected refusal. Subclasses set `status`, `code` and `title`."""

    status: ClassVar[int] = 500
    code: ClassVar[str] = "internal_error"
    title: ClassVar[Text] = Text("系统出错了，请稍后再试", "Something went wrong. Try again later")

    def __init__(
        self,
        detail: Text | None = None,
        *,
        errors: list[FieldError] | None = None,
        headers: dict[str, str] | None = None,
        **extension: Any,
    ) -> None:
        super().__init__(detail.en if detail else self.title.en)
        self.detail = detail
        self.errors = errors or []
        self.headers = headers or {}
        self.extension = extension


class InvalidInput(ServiceError):
    """The request is understood but a value breaks a rule."""

    status = 422
    code = "invalid_input"
    title = Text("填写的内容有误，请检查", "Some of what you entered is not right")


class Unauthenticated(ServiceError):
    """No valid session or token."""

    status = 401
    code = "unauthenticated"
    title = Text("请先登录", "Log in first")

    def __init__(self, detail: Text | None = None, **extension: Any) -> None:
        super().__init__(detail, headers={"WWW-Authenticate": 'Bearer realm="micro-government"'}, **extension)


class Forbidden(ServiceError):
    """The session is valid but may not do this."""

    status = 403
    code = "forbidden"
    title = Text("你没有权限做这件事", "You are not allowed to do this")


class CsrfFailed(Forbidden):
    """A cookie session without the matching token or from another origin."""

    code = "csrf_failed"
    title = Text("页面已过期，请刷新后再试", "This page has expired. Refresh and try again")


class LevelRequired(Forbidden):
    """The item or action needs a higher real-name level (seed-map 6.3)."""

    code = "level_required"
    title = Text("请先完成身份认证", "Verify your identity first")


class NotFound(ServiceError):
    """No such thing, or not yours: both look the same."""

    status = 404
    code = "not_found"
    title = Text("没有找到", "Not found")


class Conflict(ServiceError):
    """The request collides with the present state."""

    status = 409
    code = "conflict"
    title = Text("情况有变化，请刷新后再试", "Things have changed. Refresh and try again")


class InvalidTransition(Conflict):
    """The state table has no such step. Raised only by core/states.py."""

    code = "invalid_transition"
    title = Text("当前状态不能这样操作", "This cannot be done in the present state")


class PreconditionFailed(ServiceError):
    """A stale If-Match on a staff edit."""

    status = 412
    code = "precondition_failed"
    title = Text("内容已被别人修改，请刷新", "Someone else has changed this. Refresh the page")


class TooManyRequests(ServiceError):
    """A rate limit; `Retry-After` says when to come back."""

    status = 429
    code = "too_many_requests"
    title = Text("操作太频繁，请稍后再试", "Too many attempts. Wait a moment")

    def __init__(self, retry_after_s: int, detail: Text | None = None) -> None:
        super().__init__(detail, headers={"Retry-After": str(max(1, retry_after_s))})


class Busy(ServiceError):
    """The database could not be reached or was too busy; nothing was changed."""

    status = 503
    code = "busy"
    title = Text("现在人太多了，请稍后再试", "The service is busy. Try again shortly")

    def __init__(self, detail: Text | None = None) -> None:
        super().__init__(detail, headers={"Retry-After": "2"})


class ProviderError(ServiceError):
    """A provider call failed. Raised only by adapters; carries the provider's code, never a secret."""

    status = 502
    code = "provider_error"
    title = Text("对方系统没有正常答复，请稍后再试", "Another system did not answer properly. Try again later")

    def __init__(self, provider: str, provider_code: str = "", detail: Text | None = None) -> None:
        super().__init__(detail, provider=provider, provider_code=provider_code)
        self.provider = provider
        self.provider_code = provider_code


class ProviderUnavailable(ProviderError):
    """No answer, or "busy": the outcome is unknown and the call may be repeated."""

    status = 503
    code = "provider_unavailable"
    title = Text("对方系统暂时连不上，请稍后再试", "Another system cannot be reached. Try again later")


class ProviderRejected(ProviderError):
    """The provider understood and refused; repeating the same call does not help."""

    code = "provider_rejected"
    title = Text("对方系统没有受理", "Another system refused the request")


class ProviderProtocolError(ProviderError):
    """The provider's answer is not what its documents say."""

    code = "provider_protocol_error"
