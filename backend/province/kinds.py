"""What the province's platform hears of a case (domain sheet 3.2: kinds of outbound data)."""

from enum import IntEnum


class Kind(IntEnum):
    """数据类型. A case comes first; whatever happens to it follows in the order in which it happened."""

    CASE = 10
    PROCESS = 20
    CORRECTION = 22
    FEE = 24
    RESULT = 30
    LICENCE = 31
    RATING = 36
