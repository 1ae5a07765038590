"""省市县: every division down to the county, and where a text names one, in full or as people shorten it."""

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

FILE = Path(__file__).with_name("divisions.txt")
DIRECT = "-"
LONGEST = 16
_PEOPLES = (
    "蒙古|回|藏|维吾尔|苗|彝|壮|布依|朝鲜|满|侗|瑶|白|土家|哈尼|哈萨克|傣|黎|傈僳|佤|畲|拉祜|水|东乡|纳西|景颇|柯尔克孜|土|达斡尔|仫佬|"
    "羌|仡佬|锡伯|普米|怒|裕固|保安|撒拉|毛南|独龙|鄂温克|塔吉克|各"
)
_AUTONOMOUS = re.compile(rf"(.{{2,}}?)(?:(?:{_PEOPLES})族?)+自治[区州县旗]")
_ENDING = re.compile(r"(.{2,}?)(?:特别行政区|自治区|省|市|地区|盟|新区|街道|区|县|旗|镇|乡)")
_FILLER = re.compile(r"(?:[ ,\-/·、|>_]|省直辖县级行政区划|自治区直辖县级行政区划|市辖区)*")
_STREET = re.compile(
    r"[东西南北中前后新老一二三四五六七八九十]{0,2}(?:路|街|大道|道|巷|弄|胡同|村|新村|社区|广场|大厦|花园|小区|公园|车站|火车站|站|机场"
    r"|医院|学校|中学|小学|大学|学院|酒店|宾馆|银行|公司|有限|山庄|门)"
)
"""What follows a short name when it is a street's or a house's: 思明南路 is no 思明区."""


@dataclass(frozen=True, slots=True)
class Found:
    """Divisions that a text names from `start` to `end`. `levels` counts those it names, not those that follow."""

    province: str
    city: str
    county: str
    start: int
    end: int
    levels: int
    in_full: int

    @property
    def weight(self) -> tuple[int, int, int, int]:
        """The better of two readings is the greater."""
        return self.levels, self.in_full, self.end - self.start, -self.start


@dataclass(frozen=True, slots=True)
class Division:
    """A division by its official names; `city` and `county` are "" above that level."""

    province: str
    city: str = ""
    county: str = ""


@dataclass(frozen=True, slots=True)
class _Named:
    division: Division | None
    end: int
    in_full: bool = False


def short(name: str) -> str:
    """福建省 → 福建, 黔东南苗族侗族自治州 → 黔东南; the name itself when nothing can be left out."""
    found = _AUTONOMOUS.fullmatch(name) or _ENDING.fullmatch(name)
    return found.group(1) if found else name


class _Tree:
    """The three levels, each by what people write for a name."""

    def __init__(self, text: str) -> None:
        self.provinces: dict[str, list[Division]] = defaultdict(list)
        self.cities: dict[str, list[Division]] = defaultdict(list)
        self.counties: dict[str, list[Division]] = defaultdict(list)
        province = ""
        for line in text.splitlines():
            if line.startswith("#"):
                continue
            if not line.startswith(" "):
                province = line
                _enter(self.provinces, province, Division(province))
                continue
            city, *counties = line.split()
            if city != DIRECT:
                _enter(self.cities, city, Division(province, city))
            for county in counties:
                _enter(self.counties, county, Division(province, county if city == DIRECT else city, county))
        self.beginnings = {name[:2] for names in (self.provinces, self.cities, self.counties) for name in names}


def _enter(names: dict[str, list[Division]], name: str, division: Division) -> None:
    for written in {name, short(name)}:
        names[written].append(division)


@lru_cache(maxsize=1)
def _tree() -> _Tree:
    return _Tree(FILE.read_text(encoding="utf-8"))


def is_division(province: str, city: str, county: str) -> bool:
    """Whether the three official names belong together."""
    return Division(province, city, county) in _tree().counties.get(county, ())


def found_at(text: str, start: int) -> Found | None:
    """The best reading of the divisions that `text` names from `start` on, None when it names none there."""
    if text[start : start + 2] not in _tree().beginnings:
        return None
    return max(_readings(text, start), key=lambda found: found.weight, default=None)


def _readings(text: str, start: int) -> Iterator[Found]:
    tree = _tree()
    for province in (*_named(tree.provinces, text, start), _Named(None, start)):
        after = _after(text, province)
        for city in (*_named(tree.cities, text, after), _Named(None, after)):
            if not _fits(city.division, province.division):
                continue
            above = city.division or province.division
            last = city if city.division else province
            at = _after(text, city) if city.division else after
            yield from _counties(text, start, at, above, province, city)
            if above and _stands(province, city):
                yield _reading(start, last.end, above, (province, city))


def _counties(
    text: str, start: int, at: int, above: Division | None, province: _Named, city: _Named
) -> Iterator[Found]:
    for county in _named(_tree().counties, text, at):
        if county.division is None or not _fits(county.division, above):
            continue
        if above is None and not county.in_full:
            continue
        same = [
            one
            for one in _tree().counties[text[at : county.end]]
            if _fits(one, above) and one.county == county.division.county
        ]
        named = (province, city, county)
        if len(same) == 1:
            yield _reading(start, _suffix_end(text, county), same[0], named)
        else:
            # 桥西区 alone is in three cities: what follows from it is not known.
            known = Division(above.province if above else "", "", county.division.county)
            yield _reading(start, county.end, known, named)


def _reading(start: int, end: int, known: Division, named: Sequence[_Named]) -> Found:
    given = [one for one in named if one.division]
    city = known.city or (known.province if known.province in _tree().cities else "")
    return Found(known.province, city, known.county, start, end, len(given), sum(one.in_full for one in given))


def _stands(province: _Named, city: _Named) -> bool:
    """Whether province and city are enough without a county: a province's short name alone may be anything."""
    return province.in_full or city.division is not None


def _fits(division: Division | None, above: Division | None) -> bool:
    return (
        division is None or above is None or (division.province == above.province and above.city in {"", division.city})
    )


def _named(names: dict[str, list[Division]], text: str, start: int) -> Iterator[_Named]:
    for end in range(min(len(text), start + LONGEST), start + 1, -1):
        written = text[start:end]
        for division in names.get(written, ()):
            in_full = written in {division.county, division.city, division.province} and written != short(written)
            if in_full or not _STREET.match(text, end):
                yield _Named(division, end, in_full)


def _after(text: str, named: _Named) -> int:
    found = _FILLER.match(text, named.end)
    return found.end() if found and named.division else named.end


def _suffix_end(text: str, county: _Named) -> int:
    """南城区 for 南城街道: the ending that people say belongs to the name."""
    return county.end + (not county.in_full and text[county.end : county.end + 1] in {"区", "县", "市"})
