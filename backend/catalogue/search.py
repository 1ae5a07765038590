"""Search as a person types: Chinese, pinyin, initials, aliases, English, and a slip of the finger.

Pure: built from documents, held in each process. Ranks in order: exact, beginning, inside, the same three by pinyin,
the same sound, similar text. Documents come most popular first, and that order breaks every tie.
"""

import re
import unicodedata
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from backend.catalogue import pinyin

MAX_QUERY = 40
MAX_WORDS = 4
SIMILAR_ENOUGH = 0.4
CLOSE_TO_BEST = 0.75
SHORTEST_TO_CORRECT = 4
LONGEST_TO_CORRECT = 24
SHORT_WORD = 5
MAX_CANDIDATES = 100

_WORD = re.compile(r"[^\W_]+")
_MARKS = re.compile(r"[\u0300-\u036f]")
_HAN = re.compile(r"[\u3400-\u9fff]")
_SPACE_BESIDE_HAN = re.compile(r"(?<=[\u3400-\u9fff]) | (?=[\u3400-\u9fff])")


@dataclass(frozen=True)
class Document:
    """What is searched for under one key; the first term is its name."""

    key: str
    terms: tuple[str, ...]


@dataclass(frozen=True)
class Hit:
    """A document and the term of it that matched."""

    key: str
    matched: str


Found = dict[int, int]
"""Document → the term that matched, best first. Both are positions in the index."""


class SearchIndex:
    """Documents by everything a person may type for them; give them most popular first."""

    def __init__(self, documents: Sequence[Document]) -> None:
        self._documents = documents
        self._terms = [term for document in documents for term in document.terms]
        texts: list[tuple[int, int, str]] = []
        spellings: list[tuple[int, int, str]] = []
        self._readings: dict[int, pinyin.Readings] = {}
        number = 0
        for position, document in enumerate(documents):
            for term in document.terms:
                text = normalise(term)
                texts.append((position, number, text))
                if _HAN.search(text):
                    self._readings[number] = pinyin.readings(text)
                    spellings += [(position, number, line) for line in pinyin.initials(self._readings[number])]
                number += 1
        self._texts = _Lines(texts)
        self._initials = _Lines(spellings)
        self._syllabary = pinyin.Syllabary(
            syllable for characters in self._readings.values() for syllables in characters for syllable in syllables
        )
        self._grams = _Grams(texts, self._readings)

    def search(self, query: str, limit: int = 20) -> list[Hit]:
        """The best `limit` documents for what was typed, best first; nothing for an empty query."""
        text = normalise(query[:MAX_QUERY])
        if not text or limit < 1:
            return []
        found = self._phrase(text, limit)
        if not found:
            found = self._every_word(_words(query[:MAX_QUERY]))
        if not found:
            found = self._same_sound(text, limit)
        if not found:
            found = self._similar(text, limit)
        return [Hit(self._documents[doc].key, self._terms[term]) for doc, term in list(found.items())[:limit]]

    def _phrase(self, text: str, limit: int) -> Found:
        found: Found = {}
        for form in _forms(text):
            self._texts.collect(form, found, limit, _at_word_start(text))
        letters = text.replace(" ", "")
        if letters.isascii() and letters.isalpha():
            self._typed_pinyin(letters, found, limit)
        return found

    def _every_word(self, words: list[str]) -> Found:
        if len(words) < 2:
            return {}
        everything = len(self._documents)
        each = [self._phrase(word, everything) for word in words]
        ranked = {doc: order for found in each for order, doc in enumerate(found)}
        common = set(each[0]).intersection(*each[1:])
        return {doc: each[0][doc] for doc in sorted(common, key=lambda doc: (ranked[doc], doc))}

    def _typed_pinyin(self, letters: str, found: Found, limit: int) -> None:
        cuts = ((pieces, "".join(piece[0] for piece in pieces)) for pieces in self._syllabary.cuts(letters))
        ways = [(pieces, _forms(initials)) for pieces, initials in cuts if initials in self._initials]
        for shape in range(3):
            for pieces, forms in ways:
                self._initials.collect(forms[shape], found, limit, self._reads(pieces, whole=shape == 0))

    def _same_sound(self, text: str, limit: int) -> Found:
        """A wrong character that sounds right: 户照 for 护照."""
        found: Found = {}
        if _HAN.search(text) and len(text) > 1:
            pieces = tuple(pinyin.usual(text))
            for form in _forms("".join(piece[0] for piece in pieces)):
                self._initials.collect(form, found, limit, self._reads(pieces, whole=True))
        return found

    def _reads(self, pieces: tuple[str, ...], *, whole: bool) -> "Accept":
        if all(len(piece) == 1 for piece in pieces):
            return _anything
        last = len(pieces) - 1

        def accept(term: int, at: int, _: str) -> bool:
            characters = self._readings[term][at : at + len(pieces)]
            return all(
                any(pinyin.fits(piece, syllable, last=number == last and not whole) for syllable in syllables)
                for number, (piece, syllables) in enumerate(zip(pieces, characters, strict=True))
            )

        return accept

    def _similar(self, text: str, limit: int) -> Found:
        """Documents that share enough pieces; letters must also be close to a part of the term, letter by letter."""
        if not text.isascii():
            return dict(self._grams.nearest(text, limit))
        if not SHORTEST_TO_CORRECT <= len(text) <= LONGEST_TO_CORRECT:
            return {}
        allowed = 1 if len(text) <= SHORT_WORD else 2
        close: list[tuple[int, int, int]] = []
        compared: dict[str, int] = {}
        for document, term in self._grams.nearest(text, MAX_CANDIDATES):
            spoken = "".join(syllables[0] for syllables in self._readings.get(term, ()))
            forms = normalise(self._terms[term]), spoken
            compared |= {form: slips_in(text, form) for form in forms if form not in compared}
            slips = min(compared[form] for form in forms)
            if slips <= allowed:
                close.append((slips, document, term))
        return {document: term for _, document, term in sorted(close)}


Accept = Callable[[int, int, str], bool]
"""Term, position in its line, character before → whether the find counts."""


class _Lines:
    """Lines in one string, so that `str.find` does the searching; the lines of a document stand together."""

    def __init__(self, lines: Sequence[tuple[int, int, str]]) -> None:
        self._text = "\n" + "".join(f"{line}\n" for _, _, line in lines)
        self._owners = [(document, term) for document, term, _ in lines]
        self._starts: list[int] = []
        self._ends: dict[int, int] = {}
        at = 1
        for document, _, line in lines:
            self._starts.append(at)
            at += len(line) + 1
            self._ends[document] = at - 1

    def __contains__(self, form: str) -> bool:
        return form in self._text

    def collect(self, form: str, found: Found, limit: int, accept: Accept) -> None:
        """Add documents with a line that contains `form`, in order, until `limit` are found."""
        text, starts = self._text, self._starts
        shift = form.startswith("\n")
        at = text.find(form)
        while at >= 0 and len(found) < limit:
            begin = at + shift
            line = bisect_right(starts, begin) - 1
            document, term = self._owners[line]
            if document not in found and not accept(term, begin - starts[line], text[begin - 1]):
                at = text.find(form, at + 1)
                continue
            found.setdefault(document, term)
            at = text.find(form, self._ends[document])


class _Grams:
    """Which documents and terms share small pieces with a text."""

    def __init__(self, lines: Iterable[tuple[int, int, str]], readings: dict[int, pinyin.Readings]) -> None:
        self._of_term: dict[int, frozenset[str]] = {}
        self._terms: dict[int, list[int]] = {}
        self._documents: dict[str, list[int]] = {}
        for document, term, text in lines:
            spoken = "".join(syllables[0] for syllables in readings.get(term, ()))
            self._of_term[term] = grams(text) | grams(spoken)
            self._terms.setdefault(document, []).append(term)
            for gram in self._of_term[term]:
                holders = self._documents.setdefault(gram, [])
                if not holders or holders[-1] != document:
                    holders.append(document)

    def nearest(self, text: str, limit: int) -> list[tuple[int, int]]:
        """Documents, with their best term, that hold a good share of the text's pieces and nearly the most."""
        wanted = grams(text)
        shared: Counter[int] = Counter()
        for gram in wanted:
            shared.update(self._documents.get(gram, ()))
        least = max(SIMILAR_ENOUGH * len(wanted), CLOSE_TO_BEST * max(shared.values(), default=0))
        close = [document for document, count in shared.items() if count >= least]
        close.sort(key=lambda document: (-shared[document], document))
        return [(document, self._best_term(document, wanted)) for document in close[:limit]]

    def _best_term(self, document: int, wanted: frozenset[str]) -> int:
        def nearness(term: int) -> tuple[int, int]:
            has = self._of_term[term]
            return len(wanted & has), -len(has)

        return max(self._terms[document], key=nearness)


def grams(text: str) -> frozenset[str]:
    """Pieces of a normalised text: Chinese characters and pairs of them; of each Latin word, pairs with its edges."""
    pieces: set[str] = set()
    for word in re.findall(r"[a-z0-9]+|[^\sa-z0-9]+", text):
        if word.isascii():
            edged = f"^{word}$"
            pieces.update(edged[i : i + 2] for i in range(len(edged) - 1))
        else:
            pieces.update(word)
            pieces.update(word[i : i + 2] for i in range(len(word) - 1))
    return frozenset(pieces)


def slips_in(wanted: str, text: str) -> int:
    """The fewest letters to change, add or drop so that `wanted` is a part of `text` (Sellers 1980)."""
    above = [0] * (len(text) + 1)
    for row, letter in enumerate(wanted, start=1):
        current = [row]
        for column, other in enumerate(text):
            current.append(min(above[column] + (letter != other), above[column + 1] + 1, current[column] + 1))
        above = current
    return min(above)


def normalise(text: str) -> str:
    """One form for what looks alike: full width, case, tones, punctuation; spaces stay only between Latin words."""
    return _SPACE_BESIDE_HAN.sub("", " ".join(_WORD.findall(_fold(text))))


def _words(query: str) -> list[str]:
    """The first few words of a query; single letters say too little to look for apart."""
    words = (normalise(word) for word in _WORD.findall(_fold(query)))
    return [word for word in words if len(word) > 1 or not word.isascii()][:MAX_WORDS]


def _fold(text: str) -> str:
    decomposed = unicodedata.normalize("NFKD", text).casefold().replace("u\u0308", "v")
    return _MARKS.sub("", decomposed)


def _forms(text: str) -> tuple[str, str, str]:
    """A whole line, the beginning of a line, anywhere."""
    return f"\n{text}\n", f"\n{text}", text


def _anything(term: int, at: int, before: str) -> bool:
    return True


def _at_word_start(text: str) -> Accept:
    """Latin words match from their beginning: `id` is no part of `residential`."""
    if not text[0].isascii():
        return _anything
    return lambda term, at, before: not (before.isascii() and before.isalnum())
