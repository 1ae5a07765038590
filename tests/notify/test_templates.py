"""Every notice with ordinary and with extreme data."""

import re
from datetime import UTC, datetime

import pytest

from backend.sandbox.wechat_rules import first_bad_key
from backend.sandbox.wechat_templates import MINI_BY_ID, OFFICIAL_BY_ID
from notify import templates
from notify.registry import TEMPLATES
from notify.sandbox.sms import REGISTERED
from tests.notify.conftest import PARAMS

EXTREME = [
    PARAMS,
    {},
    {**PARAMS, "item": "名" * 200, "hall": "厅" * 200, "address": "址\n" * 200, "reason": "台风" * 50},
    {**PARAMS, "item": "", "hall": None, "reason": "\t", "code": "abc"},
    {**PARAMS, "item": "Passport {code} %s <b>", "address": "😀" * 40},
]


@pytest.mark.parametrize("name", sorted(TEMPLATES))
@pytest.mark.parametrize("params", EXTREME)
def test_a_notice_is_whole_whatever_the_data(name: str, params: dict[str, object]) -> None:
    for language in ("zh", "en"):
        words = templates.title(name, params, language) + templates.body(name, params, language)
        assert "None" not in words
        if "item" not in params or "{" not in str(params["item"]):
            assert not re.search(r"[{}]", words)
    instants = {"start": PARAMS["start"], "until": PARAMS["start"], "amount": 10**11}
    for channel, account in (("wechat_template", OFFICIAL_BY_ID), ("wechat_subscribe", MINI_BY_ID)):
        form = templates.form_of(name, channel)
        if form is not None:
            data = templates.values_for(form, {**instants, **params})
            known = account[f"sandbox-{form.name}"]
            assert first_bad_key(known.keys, {key: {"value": value} for key, value in data.items()}) is None
    sms = templates.form_of(name, "sms")
    if sms is not None:
        text = REGISTERED[sms.name].format_map(templates.values_for(sms, {**instants, **params}))
        assert "None" not in text


def test_the_account_has_room_for_every_form() -> None:
    """An account may hold 25 templates at once (wechat sheet 6.2)."""
    assert len({kind.wechat.name for kind in TEMPLATES.values()}) <= 25
    assert len({kind.mini.name for kind in TEMPLATES.values() if kind.mini}) <= 25


@pytest.mark.parametrize("name", sorted(TEMPLATES))
def test_citizens_are_spoken_to_plainly(name: str) -> None:
    words = TEMPLATES[name].title.zh + TEMPLATES[name].body.zh
    assert not re.search("您|用户|进行|成功", words)


def test_time_is_written_as_people_say_it() -> None:
    instant = datetime(2026, 12, 1, 1, 30, tzinfo=UTC)
    assert templates.spoken_time(instant, "zh") == "12月1日 周二 09:30"
    assert templates.spoken_time(instant, "en") == "Tue 1 Dec 09:30"
