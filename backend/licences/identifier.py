"""The identifier of an electronic licence 电子证照标识 (GB/T 36904): its parts and its check character."""

import re
from dataclasses import dataclass

ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_SHAPE = re.compile(
    r"1\.2\.156\.3005\.2\.(?P<type>[0-9A-Z]{21})\.(?P<issuer>[0-9A-Z]{18})\.(?P<serial>[0-9A-Z]{1,40})"
    r"\.(?P<version>[0-9A-Z]{3})\.(?P<check>[0-9A-Z])"
)


@dataclass(frozen=True)
class Identifier:
    """An identifier whose check character is right."""

    type_code: str
    issuer: str
    serial: str
    version: str


def check_character(text: str) -> str:
    """ISO 7064 MOD 37,36 over digits and capital letters."""
    product = len(ALPHABET)
    for character in text:
        total = (product + ALPHABET.index(character)) % len(ALPHABET) or len(ALPHABET)
        product = total * 2 % (len(ALPHABET) + 1)
    return ALPHABET[(len(ALPHABET) + 1 - product) % len(ALPHABET)]


def parse(text: str) -> Identifier | None:
    """The parts, or None when the shape or the check character is wrong."""
    found = _SHAPE.fullmatch(text)
    if found is None:
        return None
    parts = found["type"], found["issuer"], found["serial"], found["version"]
    return Identifier(*parts) if check_character("".join(parts)) == found["check"] else None
