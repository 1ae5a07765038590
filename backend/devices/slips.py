"""What a kiosk prints on 80 mm paper: lines for any printer, and the text of the QR code.

The sentences about a number are those of the desk's receipt; those about money are those of a window's slip.
"""

import re
import unicodedata
from collections.abc import Iterator
from typing import Any, Literal

from backend.core import clock
from backend.core.errors import Text
from payments import amounts

WIDTH_MM = 80
COLUMNS = {"normal": 48, "large": 24, "huge": 12}
"""Half-width characters in a line of an 80 mm printer, by size; a Chinese character takes two."""

Size = Literal["normal", "large", "huge"]
Slip = dict[str, Any]
"""The shape `Slip` of the API."""

AHEAD = Text("前面 {n} 人", "{n} ahead")
FOLLOW = Text("扫码看还要等多久", "Scan to see the wait")
MAY_RETURN = Text("过号可以回来重排", "If you miss the call, come back and queue again")
SHOW_CODE = Text("预约码（到大厅出示）", "Appointment code, to show at the hall")
COME = Text(
    "{from_}–{until} 到大厅，自助机或入口都能签到",
    "Come between {from_} and {until}; check in at a kiosk or the entrance",
)
CANCEL_UNTIL = Text("不来了请在 {until} 前取消", "Cannot come? Cancel by {until}")
FOR = Text("办事人：{name}", "For: {name}")
PAID = Text("缴费小票", "Payment slip")
PAYER = Text("缴款人：{name}", "Payer: {name}")
RECEIPT = Text("电子票据 {code} {number} 校验码 {check_code}", "E-receipt {code} {number}, check code {check_code}")
NO_RECEIPT = Text("小票不是收据，以电子票据为准", "This slip is no receipt; the electronic receipt counts")
RECEIPT_ON_PHONE = Text("扫码登录后看电子票据", "Scan and log in to see the electronic receipt")


def of_ticket(ticket: dict[str, Any], ahead: int | None, address: str, language: str) -> Slip:
    """The slip of a queue number. `ticket` as its holder sees it; the code leads to the live position page."""
    lines: list[tuple[str, Size]] = [
        (ticket["hall"]["name"], "normal"),
        (ticket["number"], "huge"),
        (ticket["category"]["name"], "large"),
    ]
    if ahead is not None:
        lines.append((AHEAD.in_language(language).format(n=ahead), "normal"))
    lines += [(text.in_language(language), "normal") for text in (FOLLOW, MAY_RETURN)]
    lines.append((f"{clock.civil(ticket['created_at']):%Y-%m-%d %H:%M}", "normal"))
    return _slip(lines, f"{address.rstrip('/')}/tickets/{ticket['link']}")


def of_appointment(shown: dict[str, Any], language: str) -> Slip:
    """The slip of an appointment, as its owner sees it; the code is the eight digits that the entrance takes."""
    start = clock.civil(shown["slot"]["start"])
    from_, until = (f"{clock.civil(shown[name]):%H:%M}" for name in ("check_in_from", "check_in_until"))
    cancel = f"{clock.civil(shown['cancel_until']):%Y-%m-%d %H:%M}"
    name = shown["for_person"]["name_masked"]
    lines: list[tuple[str, Size]] = [
        (shown["hall"]["name"], "normal"),
        (f"{start:%Y-%m-%d}", "large"),
        (f"{start:%H:%M}–{clock.civil(shown['slot']['end']):%H:%M}", "large"),
        *((item["name"], "normal") for item in shown["items"]),
        *([(FOR.in_language(language).format(name=name), "normal")] if name else []),  # type: ignore[list-item]
        (COME.in_language(language).format(from_=from_, until=until), "normal"),
        (CANCEL_UNTIL.in_language(language).format(until=cancel), "normal"),
        (SHOW_CODE.in_language(language), "normal"),
        (f"{shown['code'][:4]} {shown['code'][4:]}", "large"),
    ]
    return _slip(lines, shown["code"])


def of_payment(bill: dict[str, Any], place: str, on_phone: str, language: str) -> Slip:
    """The slip 小票 of a bill whose money is there; it is no receipt. The code opens the bill on a phone."""
    lines: list[tuple[str, Size]] = [
        (place, "normal"),
        (PAID.in_language(language), "large"),
        (bill["title"], "normal"),
        (f"¥{amounts.to_yuan(bill['total_fen'])}", "huge"),
        (PAYER.in_language(language).format(name=bill["payer_name_masked"]), "normal"),
        (" ".join(re.findall(".{1,4}", bill["pay_code"])), "normal"),
        (f"{clock.civil(bill['paid_at']):%Y-%m-%d %H:%M}", "normal"),
    ]
    receipt = bill["receipt"]
    if receipt and receipt["number"]:
        lines.append((RECEIPT.in_language(language).format(**receipt), "normal"))
    lines += [(text.in_language(language), "normal") for text in (NO_RECEIPT, RECEIPT_ON_PHONE)]
    return _slip(lines, on_phone)


def _slip(lines: list[tuple[str, Size]], code: str) -> Slip:
    return {
        "width_mm": WIDTH_MM,
        "lines": [{"text": part, "size": size} for text, size in lines for part in wrapped(text, COLUMNS[size])],
        "qr": code,
    }


def wrapped(text: str, columns: int) -> Iterator[str]:
    """The text in lines of at most so many half-width characters, broken between words or Chinese characters."""
    line, used = "", 0
    for part in re.findall(r"[!-~]+|.", text):
        width = sum(2 if unicodedata.east_asian_width(char) in "WFA" else 1 for char in part)
        if line and used + width > columns:
            yield line.rstrip()
            line, used = "", 0
            if part.isspace():
                continue
        line, used = line + part, used + width
    yield line.rstrip()
