"""RFC 5545 calendar entry of an appointment."""

from datetime import UTC, datetime
from typing import Any

from backend.core import clock


def calendar_file(shown: dict[str, Any], sequence: int) -> bytes:
    """One VEVENT with a reminder two hours before; lines end with CRLF and are folded at 75 octets."""
    slot, hall = shown["slot"], shown["hall"]
    names = "、".join(item["name"] for item in shown["items"])
    lines = [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//micro-government//appointment//ZH",
        "METHOD:PUBLISH",
        "BEGIN:VEVENT",
        f"UID:{shown['id']}@micro-government",
        f"SEQUENCE:{sequence}",
        f"DTSTAMP:{_utc(clock.now())}",
        f"DTSTART:{_utc(slot['start'])}",
        f"DTEND:{_utc(slot['end'])}",
        f"SUMMARY:{_escaped(names)}",
        f"LOCATION:{_escaped(' '.join(filter(None, [hall['name'], hall['address']])))}",
        f"DESCRIPTION:{_escaped('预约号 ' + (shown['code'] or ''))}",
        f"STATUS:{'CONFIRMED' if shown['state'] in {'booked', 'checked_in'} else 'CANCELLED'}",
        "BEGIN:VALARM",
        "ACTION:DISPLAY",
        "TRIGGER:-PT2H",
        f"DESCRIPTION:{_escaped(names)}",
        "END:VALARM",
        "END:VEVENT",
        "END:VCALENDAR",
    ]
    return "".join(_folded(line) for line in lines).encode()


def _utc(instant: datetime) -> str:
    return instant.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")


def _escaped(text: str) -> str:
    for char in ("\\", ";", ","):
        text = text.replace(char, "\\" + char)
    return text.replace("\n", "\\n")


def _folded(line: str) -> str:
    """A line of at most 75 octets, continued after CRLF and a blank, never inside a character."""
    parts, part = [], ""
    for char in line:
        if len((part + char).encode()) > 74:
            parts.append(part)
            part = ""
        part += char
    return "\r\n ".join([*parts, part]) + "\r\n"
