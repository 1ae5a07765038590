"""i厦门 unified identity: OAuth2 by its documented endpoints (domain sheet 3.6). Knows no database."""

from urllib.parse import urlencode

from requests import Response

from backend.core import http
from backend.core.config import Settings
from backend.core.errors import ProviderProtocolError, ProviderRejected

PROVIDER = "ixiamen"
SCOPE = "basic name mobile certif-id"


def authorize_url(settings: Settings, *, redirect_uri: str, state: str) -> str:
    """Where the browser goes to log in."""
    query = {
        "client_id": settings.ixiamen_client_id,
        "redirect_uri": redirect_uri,
        "response_type": "code",
        "scope": SCOPE,
        "channel": "IXM",
        "state": state,
    }
    return f"{settings.ixiamen_base.rstrip('/')}/oauth/authorize?{urlencode(query)}"


def fetch_profile(settings: Settings, *, code: str, redirect_uri: str) -> dict[str, str]:
    """Exchange the code and read the user: openId, personName, certifType, certifId, mobile.

    Raises ProviderUnavailable, ProviderRejected (code used or refused), ProviderProtocolError.
    """
    base = settings.ixiamen_base.rstrip("/")
    with http.provider_session(base) as session:
        token = http.call(
            session,
            PROVIDER,
            "POST",
            f"{base}/oauth/token",
            data={
                "grant_type": "authorization_code",
                "code": code,
                "redirect_uri": redirect_uri,
                "client_id": settings.ixiamen_client_id,
                "client_secret": settings.ixiamen_client_secret,
            },
        )
        if token.status_code != 200:
            raise ProviderRejected(PROVIDER, str(token.status_code))
        session.headers["Authorization"] = f"Bearer {_json(token).get('access_token', '')}"
        profile = http.call(session, PROVIDER, "POST", f"{base}/server/public/user/get", json={})
        if profile.status_code != 200:
            raise ProviderRejected(PROVIDER, str(profile.status_code))
        answer = _json(profile)
    if not answer.get("openId"):
        raise ProviderProtocolError(PROVIDER, "openId")
    return answer


def _json(response: Response) -> dict[str, str]:
    try:
        body = response.json()
    except ValueError:
        raise ProviderProtocolError(PROVIDER, "body") from None
    if not isinstance(body, dict):
        raise ProviderProtocolError(PROVIDER, "body")
    return {str(key): str(value) for key, value in body.items() if value is not None}
