"""Texts of notifications go after their time; what they came to stays."""

import hashlib
from dataclasses import replace

import pytest

from backend.core.config import ConfigError, Settings
from payments import jobs, keeping
from tests.conftest import make_settings
from tests.payments.conftest import Desk


def events(desk: Desk) -> list[tuple[str, bool, bytes | None]]:
    return [
        (verdict, raw is not None, digest and bytes(digest))
        for verdict, raw, digest in desk.rows("SELECT verdict, raw, digest FROM channel_event ORDER BY received_at")
    ]


def test_after_400_days_the_text_is_gone_and_its_digest_and_verdict_stay(
    desk: Desk, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeping, "BATCH", 2)
    bodies = []
    for _ in range(3):
        attempt = desk.pay(desk.bill())
        desk.wechat.pay(attempt.number)
        bodies.append(desk.wechat.notice(attempt.number))
        assert desk.notify(desk.wechat, bodies[-1]).taken
        desk.clock.advance(seconds=1)
    desk.clock.advance(days=400, seconds=-2)
    assert keeping.forget_notices(settings) == 1
    assert events(desk) == [
        ("applied", False, hashlib.sha256(bodies[0]).digest()),
        ("applied", True, None),
        ("applied", True, None),
    ]
    desk.clock.advance(seconds=5)
    assert keeping.forget_notices(settings) == 2
    assert keeping.forget_notices(settings) == 0
    assert [kept for _, kept, _ in events(desk)] == [False] * 3
    assert b"signature" not in b"".join(digest or b"" for _, _, digest in events(desk))
    jobs.seal_books()
    assert desk.examine() == []


def test_a_repeat_of_a_forgotten_notice_is_still_the_same_event(desk: Desk, settings: Settings) -> None:
    attempt = desk.pay(desk.bill())
    desk.wechat.pay(attempt.number)
    assert desk.notify(desk.wechat, desk.wechat.notice(attempt.number, event_id="once")).taken
    desk.clock.advance(days=401)
    keeping.forget_notices(settings)
    again = desk.wechat.notice(attempt.number, event_id="once")
    assert desk.notify(desk.wechat, again).taken
    assert desk.rows("SELECT verdict, repeats, raw IS NULL FROM channel_event") == [("applied", 1, True)]


def test_the_days_are_a_setting_and_cannot_undercut_reconciliation(desk: Desk, settings: Settings) -> None:
    attempt = desk.pay(desk.bill())
    desk.notify(desk.wechat, desk.wechat.notice(attempt.number))
    desk.clock.advance(days=91)
    assert keeping.forget_notices(settings) == 0
    assert keeping.forget_notices(replace(settings, payment_notice_days=90)) == 1
    with pytest.raises(ConfigError, match="PAYMENT_NOTICE_DAYS"):
        make_settings(settings.database_url, payment_notice_days=89)
