"""National codes of bodies and items: unified social credit code (GB 32100-2015) and item code (GB/T 39554.1-2020)."""

_CREDIT_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_CREDIT_WEIGHTS = (1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28)
_BODY_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_BODY_WEIGHTS = (3, 7, 9, 10, 5, 8, 4, 2)

CREDIT_CODE_LENGTH = 18
ITEM_CODE_LENGTH = 31


def credit_code_check(first17: str) -> str:
    """The eighteenth character of a unified social credit code; ValueError for a foreign character."""
    total = sum(_CREDIT_ALPHABET.index(char) * weight for char, weight in zip(first17, _CREDIT_WEIGHTS, strict=True))
    return _CREDIT_ALPHABET[-total % 31]


def body_code_check(first8: str) -> str:
    """The ninth character of an organisation code (GB 11714-1997), which fills places 9 to 17 of the credit code."""
    total = sum(_BODY_ALPHABET.index(char) * weight for char, weight in zip(first8, _BODY_WEIGHTS, strict=True))
    check = -total % 11
    return "X" if check == 10 else str(check)


def is_credit_code(code: str) -> bool:
    """True when both check characters are right."""
    if len(code) != CREDIT_CODE_LENGTH or any(char not in _CREDIT_ALPHABET for char in code):
        return False
    return code[16] == body_code_check(code[8:16]) and code[17] == credit_code_check(code[:17])


def is_item_code(code: str) -> bool:
    """True for 18 characters of a valid credit code followed by the 13-digit basic code."""
    basic = code[CREDIT_CODE_LENGTH:]
    return (
        len(code) == ITEM_CODE_LENGTH
        and is_credit_code(code[:CREDIT_CODE_LENGTH])
        and basic.isascii()
        and basic.isdigit()
    )


def is_handling_code(code: str, item_code: str) -> bool:
    """True for an item code followed by two digits."""
    digits = code[ITEM_CODE_LENGTH:]
    return code.startswith(item_code) and len(digits) == 2 and digits.isascii() and digits.isdigit()
