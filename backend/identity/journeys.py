"""OAuth journeys: a random state bound to one browser and used once (login CSRF)."""

import re
import secrets
from datetime import timedelta

from sqlalchemy import delete
from sqlalchemy.orm import Session

from backend.core import clock, crypto, errors
from backend.identity.models import LoginState

LIFE = timedelta(minutes=10)

_LOCAL_PATH = re.compile(r"/(?![/\\])[^\\\s\x00-\x1f\x7f]*")


class LoginExpired(errors.InvalidInput):
    """The journey is unknown, used, too old, or began in another browser."""

    status = 400
    code = "login_expired"
    title = errors.Text("登录已过期，请重新登录", "This login has expired. Start again")


def local_path(text: str | None) -> str:
    """Where to go after login: a path of our own, or the home page."""
    return text if text and len(text) <= 500 and _LOCAL_PATH.fullmatch(text) else "/"


def begin(session: Session, *, provider: str, browser: str, return_to: str) -> str:
    """A new state for this browser."""
    state = secrets.token_hex(16)
    session.add(
        LoginState(
            state_hash=crypto.token_hash(state),
            browser_hash=crypto.token_hash(browser),
            provider=provider,
            return_to=return_to,
            expires_at=clock.now() + LIFE,
        )
    )
    session.execute(delete(LoginState).where(LoginState.expires_at < clock.now()))
    return state


def finish(session: Session, *, provider: str, browser: str, state: str) -> str:
    """Use the state up and return where to go. Raises LoginExpired."""
    return_to = session.execute(
        delete(LoginState)
        .where(
            LoginState.state_hash == crypto.token_hash(state),
            LoginState.browser_hash == crypto.token_hash(browser),
            LoginState.provider == provider,
            LoginState.expires_at > clock.now(),
        )
        .returning(LoginState.return_to)
    ).scalar_one_or_none()
    if return_to is None:
        raise LoginExpired()
    return return_to
