"""Rendering of notices: their words in both languages, and the values of every channel's template.

Words never hold an id number or a full name. `{start}` and other instants are written as citizens read them.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from backend.core import clock
from backend.core.errors import Text
from notify.channels.wechat_values import fit
from notify.kinds import Form
from notify.registry import TEMPLATES

WEEKDAYS = "一二三四五六日"
INSTANTS = frozenset({"start", "former_start", "until"})
COPY = Text("家人的消息：", "For your relative: ")
MISSING = {"zh": "见详情", "en": "see details"}
CHANNELS = ("wechat_template", "wechat_subscribe", "sms")
"""Every way out of the house, in the order in which they are tried unless the person wants another."""


def title(template: str, params: Mapping[str, Any], language: str) -> str:
    """The notice's heading; a family agent's copy says whose it is."""
    heading = _fill(TEMPLATES[template].title.in_language(language), params, language)
    return COPY.in_language(language) + heading if params.get("copy") else heading


def body(template: str, params: Mapping[str, Any], language: str) -> str:
    """The notice's sentences."""
    return _fill(TEMPLATES[template].body.in_language(language), params, language)


def form_of(template: str, channel: str) -> Form | None:
    """The provider's form that carries this notice on this channel, None when it does not go there."""
    kind = TEMPLATES[template]
    return {"wechat_template": kind.wechat, "wechat_subscribe": kind.mini, "sms": kind.sms}[channel]


def values_for(form: Form, params: Mapping[str, Any]) -> dict[str, str]:
    """Values of a form's keys, in Chinese as the providers' forms are; WeChat's are cut to what it accepts."""
    return {key: _value(key, _fill(text, params, "zh")) for key, text in form.keys.items()}


def for_relative(params: Mapping[str, Any]) -> dict[str, Any]:
    """The same values in a copy for the family agent: what it is about says so."""
    words = {"item": "家人：{}", "item_en": "Your relative: {}"}
    changed = {name: words[name].format(params[name]) for name in words if params.get(name)}
    return {**params, **changed, "copy": True}


def spoken_time(instant: datetime, language: str) -> str:
    """`12月1日 周二 09:30`, or `Tue 1 Dec 09:30`, in Xiamen."""
    at = clock.civil(instant)
    if language == "en":
        return f"{_EN_DAYS[at.weekday()]} {at.day} {_EN_MONTHS[at.month - 1]} {at:%H:%M}"
    return f"{at.month}月{at.day}日 周{WEEKDAYS[at.weekday()]} {at:%H:%M}"


_EN_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_EN_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def _value(key: str, text: str) -> str:
    """Keys of WeChat end with a number, which SMS texts' names never do."""
    return fit(key, text) if key[-1].isdigit() else text


class _Values(dict[str, str]):
    """Values by name; a name without value becomes a harmless word, so that a notice is never lost."""

    def __init__(self, values: Mapping[str, str], language: str) -> None:
        super().__init__(values)
        self._missing = MISSING[language]

    def __missing__(self, name: str) -> str:
        return self._missing


def _fill(text: str, params: Mapping[str, Any], language: str) -> str:
    values: dict[str, str] = {}
    for name, value in params.items():
        if value is None or value == "":
            continue
        if name in INSTANTS:
            instant = datetime.fromisoformat(str(value))
            values[name] = spoken_time(instant, language)
            at = clock.civil(instant)
            values[f"{name}_wechat"] = f"{at.year}年{at.month}月{at.day}日 {at:%H:%M}"
        elif name == "amount":
            values[name] = f"{value // 100}.{value % 100:02d}"
        else:
            values[name] = str(value)
    if language == "en":
        values |= {name.removesuffix("_en"): value for name, value in values.items() if name.endswith("_en")}
    code = values.get("code", "")
    if len(code) == 8 and code.isdecimal():
        values["code"] = f"{code[:4]} {code[4:]}"
    return text.format_map(_Values(values, language))
