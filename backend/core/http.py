"""Outgoing HTTP: never inside a transaction, never without a time limit, never after a redirect."""

from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter

from backend.core import context
from backend.core.errors import ProviderUnavailable

CONNECT_TIMEOUT_S = 3.0
READ_TIMEOUT_S = 5.0


class TransactionOpen(RuntimeError):
    """A provider call was attempted while a database transaction is open (ARCHITECTURE §4)."""


def refuse_inside_transaction() -> None:
    """Adapters whose library brings its own HTTP call this first."""
    if context.in_transaction.get():
        raise TransactionOpen("a provider call stands between two transactions, never inside one")


class GuardedAdapter(HTTPAdapter):
    """Transport that applies the transaction rule and a default time limit to every request."""

    def send(self, request, stream=False, timeout=None, verify=True, cert=None, proxies=None):  # type: ignore[no-untyped-def]
        refuse_inside_transaction()
        return super().send(request, stream, timeout or (CONNECT_TIMEOUT_S, READ_TIMEOUT_S), verify, cert, proxies)


def provider_session(base_url: str) -> requests.Session:
    """A session that reaches one provider and nothing else."""
    parts = urlsplit(base_url)
    session = requests.Session()
    session.trust_env = False
    session.adapters.clear()
    session.mount(f"{parts.scheme}://{parts.netloc}/", GuardedAdapter())
    session.headers["User-Agent"] = "micro-government"
    session.max_redirects = 0
    return session


def call(session: requests.Session, provider: str, method: str, url: str, **options: object) -> requests.Response:
    """One request; transport trouble becomes ProviderUnavailable (the outcome is unknown)."""
    refuse_inside_transaction()
    headers = {"X-Request-Id": context.request_id.get()}
    try:
        return session.request(method, url, allow_redirects=False, headers=headers, **options)  # type: ignore[arg-type]
    except requests.RequestException:
        raise ProviderUnavailable(provider) from None


def never_connected(trouble: requests.RequestException) -> bool:
    """Whether the connection was not even made, so that the call had no effect."""
    if isinstance(trouble, requests.exceptions.ConnectTimeout):
        return True
    reason = getattr(trouble.args[0] if trouble.args else None, "reason", None)
    return type(reason).__name__ in {"NewConnectionError", "NameResolutionError", "ConnectTimeoutError"}
