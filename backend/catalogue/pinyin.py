"""How Chinese is typed: readings of characters, and what a run of letters may mean."""

import itertools
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Any

from pypinyin import Style, lazy_pinyin, pinyin

MAX_READINGS = 4
MAX_SPELLINGS = 64
"""Enough for any two polyphones of a name read in an unusual way; the usual reading always comes first."""

MAX_CUTS = 24
LONGEST_SYLLABLE = 6

_INITIALS = frozenset("abcdefghjklmnopqrstwxyz")
_LONG_INITIALS = frozenset({"zh", "ch", "sh"})
_ONE_BY_ONE: Any = list
"""Characters without a reading stay single; pypinyin takes a list here although its types say text."""

Readings = tuple[tuple[str, ...], ...]
"""For each character its readings without tones, the one that fits the phrase first."""


def usual(text: str) -> list[str]:
    """The reading of each character as the phrase suggests; characters without one stand for themselves."""
    return [str(syllable) for syllable in lazy_pinyin(text, style=Style.NORMAL, errors=_ONE_BY_ONE)]


def readings(text: str) -> Readings:
    """Every reading of each character: 行 is xing and hang."""
    in_phrase = usual(text)
    if len(in_phrase) != len(text):
        in_phrase = list(text)
    return tuple(
        tuple(dict.fromkeys((first, *_of_character(char)))) for first, char in zip(in_phrase, text, strict=True)
    )


def initials(of: Readings) -> list[str]:
    """The first letters of a text, once for each way to read its polyphones; those nearest to usual first."""
    letters = [tuple(dict.fromkeys(syllable[0] for syllable in syllables)) for syllables in of]
    polyphones = [place for place, choices in enumerate(letters) if len(choices) > 1]
    unusual = (places for count in range(len(polyphones) + 1) for places in itertools.combinations(polyphones, count))
    spellings = (
        "".join(spelling)
        for places in unusual
        for spelling in itertools.product(
            *(choices[1:] if place in places else choices[:1] for place, choices in enumerate(letters))
        )
    )
    return list(itertools.islice(spellings, MAX_SPELLINGS))


class Syllabary:
    """The syllables that occur in some texts, and how typed letters may be cut into them."""

    def __init__(self, syllables: Iterable[str]) -> None:
        self._whole = frozenset(syllables)
        self._beginnings = frozenset(syllable[:end] for syllable in self._whole for end in range(1, len(syllable) + 1))

    def cuts(self, typed: str) -> list[tuple[str, ...]]:
        """All initials first, then with the longest syllables first, at most MAX_CUTS ways.

        `huzhao` → hu|zhao, `hzhao` → h|zhao, `huzh` → hu|zh. The last piece may be the beginning of a syllable.
        """
        all_initials = [tuple(typed)] if all(letter in _INITIALS for letter in typed) else []
        longest_first = itertools.islice(self._cut(typed, 0, self._reachable(typed)), MAX_CUTS)
        return list(dict.fromkeys([*all_initials, *longest_first]))

    def _reachable(self, typed: str) -> list[bool]:
        """For each place, whether the letters from there on can be cut at all; keeps the search from dead ends."""
        size = len(typed)
        good = [False] * size + [True]
        for at in range(size - 1, -1, -1):
            good[at] = typed[at:] in self._beginnings or any(
                good[end] and self._is_piece(typed[at:end])
                for end in range(at + 1, min(at + LONGEST_SYLLABLE, size) + 1)
            )
        return good

    def _cut(self, typed: str, at: int, good: list[bool]) -> Iterator[tuple[str, ...]]:
        if at == len(typed):
            yield ()
            return
        if typed[at:] in self._beginnings:
            yield (typed[at:],)
        for end in range(min(at + LONGEST_SYLLABLE, len(typed)), at, -1):
            if good[end] and self._is_piece(typed[at:end]):
                for rest in self._cut(typed, end, good):
                    yield (typed[at:end], *rest)

    def _is_piece(self, letters: str) -> bool:
        return letters in self._whole or letters in _INITIALS or letters in _LONG_INITIALS


def fits(piece: str, syllable: str, *, last: bool) -> bool:
    """Whether a typed piece stands for a syllable: an initial or an unfinished last piece may be shorter."""
    if last or len(piece) == 1 or piece in _LONG_INITIALS:
        return syllable.startswith(piece)
    return syllable == piece


@lru_cache(maxsize=8192)
def _of_character(char: str) -> tuple[str, ...]:
    found = pinyin(char, style=Style.NORMAL, heteronym=True, errors=_ONE_BY_ONE)
    return tuple(str(syllable) for syllable in found[0][:MAX_READINGS])
