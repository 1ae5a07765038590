"""Logging in with Alipay: OAuth for browsers and Alipay's own one. Knows no database.

The address that Alipay sends the browser back to is not signed; the journey's `state` protects it.
"""

from urllib.parse import urlencode

from backend.core.config import Settings
from backend.core.errors import ProviderProtocolError, ProviderRejected, ProviderUnavailable
from payments.gateways.base import Busy, GatewayError, OutcomeUnknown

PROVIDER = "alipay"
SCOPE = "auth_base"


def authorize_url(settings: Settings, *, redirect_uri: str, state: str) -> str:
    """Where the browser goes to log in."""
    query = {"app_id": settings.alipay_app_id, "scope": SCOPE, "redirect_uri": redirect_uri, "state": state}
    return f"{settings.alipay_login_base.rstrip('/')}/oauth2/publicAppAuthorize.htm?{urlencode(query)}"


def fetch_subject(settings: Settings, code: str) -> str:
    """Exchange the code for the person's id at our app: `open_id`, or `user_id` from apps of before it.

    Raises ProviderUnavailable, ProviderRejected (code used or refused), ProviderProtocolError.
    """
    from alipay.aop.api.request.AlipaySystemOauthTokenRequest import AlipaySystemOauthTokenRequest

    from payments.gateways.alipay_client import AlipayClient, account

    app = account(settings)
    if app is None:
        raise ProviderUnavailable(PROVIDER, "off")
    request = AlipaySystemOauthTokenRequest()
    request.grant_type = "authorization_code"
    request.code = code
    try:
        answer = AlipayClient(app).call(request)
    except (Busy, OutcomeUnknown) as trouble:
        raise ProviderUnavailable(PROVIDER, trouble.code) from None
    except GatewayError as refusal:
        raise ProviderRejected(PROVIDER, refusal.code) from None
    for kind in ("open_id", "user_id"):
        if answer.get("access_token") and answer.get(kind):
            return f"{app.app_id}:{kind}:{answer[kind]}"
    raise ProviderProtocolError(PROVIDER, "open_id")
