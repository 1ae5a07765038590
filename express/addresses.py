"""Reads one pasted line, in any order and with or without separators, as name, phone and address.

What cannot be told for certain stays empty: the person fills it in, nothing is guessed into an order.
"""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace

from express.carriers.base import ParsedAddress
from express.divisions import Found, found_at

LONGEST_TEXT = 300
GLUED_NAME = 4
"""How many characters may stand before a division without a separator: 张测试厦门市…"""
PHONE = "☎"
"""Stands where a phone number was: a name is often beside it."""

_COUNTRY_CODE = r"(?<!\d)(?<!\d-)(?:\(?(?:\+|00)?86\)?[ -]?)?"
_MOBILE = re.compile(rf"{_COUNTRY_CODE}(1[3-9]\d)[ -]?(\d{{4}})[ -]?(\d{{4}})(?!\d)")
_LANDLINE = re.compile(
    rf"{_COUNTRY_CODE}\(?(0(?:10|2\d|[3-9]\d{{2}}))\)?[ -]?(\d{{7,8}})(?:(?:转|分机|-)(\d{{1,5}}))?(?!\d)"
)
_BRACKETED = re.compile(rf"\(\s*{PHONE}\s*\)")
_DROPPED = re.compile(r"(?<!\d)\d{17}[\dXx](?!\d)|(?:邮政编码|邮编)\s*:?\s*\d{6}")
"""An id number never comes near a label; a postcode says nothing that the address does not."""
_NUMBER = re.compile(r"[0-8]\d{5}|[\d-]{7,}")
"""A postcode, or a telephone number with a mistake in it."""
_NAME_LABEL = "收件人姓名|收货人姓名|收件人|收货人|联系人|姓名"
_LABEL = (
    "收件地址|收货地址|详细地址|联系地址|通讯地址|街道地址|所在地区|所在地|地址"
    "|手机号码|联系电话|联系方式|电话号码|手机号|手机|电话"
)
_LABELS = re.compile(rf"(?:{_LABEL}|地区)\s*:|(?<![^\s,;|])(?:{_LABEL})")
_NAMED = re.compile(rf"(?:{_NAME_LABEL})\s*:?\s*([^\s,;|:{PHONE}]+)")
_TOKEN = re.compile(rf"{PHONE}|[A-Za-z.'-]+(?: +[A-Za-z.'-]+)+|[^\s,;|、。\"<>:{PHONE}]+")
_HYPHEN = re.compile(r"(?<=[\u4e00-\u9fff])[-_—]+(?=[\u4e00-\u9fff☎ ])")
"""Between words it is a separator, between numbers it is part of a door: 1-201."""
_COUNTRY = re.compile(r"(?<![^\s,;|])(?:中华人民共和国|中国大陆|中国)")
_POLITE = re.compile(r"(?:先生|女士|小姐|同志|老师)?\(?(?:亲启|收)?\)?$")
_PERSON = re.compile(
    r"[\u4e00-\u9fff]{2,4}|[\u4e00-\u9fff]{1,10}(?:[·•][\u4e00-\u9fff]{1,10})+|[A-Za-z][A-Za-z .'-]{0,28}[A-Za-z]"
)
_PLACE = re.compile(
    r".+(?:[省市区县镇乡村路街巷弄里道号楼室栋幢座层苑园院城厦场店站坊府湾庭居铺社局厅所部校司厂馆桥旗盟州]|花园|单元|公寓|东门|西门|南门|北门)"
)
_BODY = re.compile(r".+(?:公司|事务所|中心|研究所|研究院|学校|大学|学院|医院|委员会|局|合作社|工作室|经营部)")
_ADDRESS = re.compile(r"[路街道巷弄村镇乡号]")
_GLUED_AT_END = re.compile(r"(?<=[室号楼栋幢座层房)])([\u4e00-\u9fff]{2,4})$")
_ASCII_SEAM = re.compile(r"[A-Za-z0-9]{2}")
_TWO_CHARACTERS = re.compile("欧阳|上官|司马|诸葛|司徒|东方|皇甫|尉迟|公孙|慕容|令狐|夏侯|端木|南宫|轩辕|百里")
_SURNAMES = frozenset(
    "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕苏卢蒋蔡贾丁魏薛叶阎余潘杜戴夏钟汪田任姜"
    "范方石姚谭廖邹熊金陆郝孔白崔康毛邱秦江史顾侯邵孟龙万段雷钱汤尹黎易常武乔贺赖龚文庞樊兰殷施陶洪翟安颜倪严牛温芦季俞章鲁"
    "葛伍韦申尤毕聂丛焦向柳邢路岳齐沿梅莫庄辛管祝左涂谷祁时舒耿牟卜路詹关苗凌费纪靳盛童欧甄项曲成游阳裴席卫查屈鲍位覃霍翁隋植"
    "甘景薄单包司柏宁柯阮桂闵解强柴华车冉房边辜吉饶刁瞿戚丘古米池滕晋苑邬臧畅宫来嵺苟全褚廉简娄盖符奚木穆党燕郎邸冀谈姬屠连郜"
    "晏栾郁商蒙计喻揭窦迟宇敖糜鄢冷卓花仇艾蓝都巩稽井练仲乐虞卞封竺冼原官衣楚佟栗匡宗应台巫鞠僧桑荆谌银扬明沙薄伏岑习胥保和蔺"
)


@dataclass(frozen=True, slots=True)
class _Token:
    text: str
    beside_phone: bool
    first: bool
    last: bool


def parse(text: str) -> ParsedAddress:
    """Name, phone, province, city, county and the rest of an address; "" for what the text does not tell.

    A landline keeps its area code with a hyphen. Reads at most LONGEST_TEXT characters and never fails.
    """
    rest = unicodedata.normalize("NFKC", text[:LONGEST_TEXT]).replace(PHONE, " ")
    rest = _DROPPED.sub(" ", "".join(one for one in rest if one.isspace() or unicodedata.category(one)[0] != "C"))
    phone, rest = _phone(rest)
    name, rest = _labelled_name(rest)
    rest = _HYPHEN.sub(" ", _COUNTRY.sub("", _LABELS.sub(" ", rest))).strip()
    found = _divisions(rest)
    tokens = _tokens(rest[: found.start], rest[found.end :]) if found else _tokens("", rest)
    if found:
        found, tokens = _without_repeats(found, tokens)
    if not name:
        name, tokens = _name(tokens)
    line = _joined([token.text for token in tokens])
    if not name:
        name, line = _name_at_the_end(line)
    if found is None:
        return ParsedAddress(name, phone, line=line)
    return ParsedAddress(name, phone, found.province, found.city, found.county, line)


def _phone(text: str) -> tuple[str, str]:
    """The first mobile number, else the first landline; all of them are taken out of the text."""
    mobile, landline = _MOBILE.search(text), _LANDLINE.search(text)
    rest = _BRACKETED.sub(PHONE, _LANDLINE.sub(f" {PHONE} ", _MOBILE.sub(f" {PHONE} ", text)))
    if mobile:
        return "".join(mobile.groups()), rest
    return "-".join(part for part in landline.groups() if part) if landline else "", rest


def _labelled_name(text: str) -> tuple[str, str]:
    found = _NAMED.search(text)
    if found is None or not _polite_off(found.group(1)):
        return "", text
    return _polite_off(found.group(1)), f"{text[: found.start()]} {text[found.end() :]}"


def _divisions(text: str) -> Found | None:
    """The best reading anywhere in the text."""
    found = (found_at(text, start) for start in range(len(text)))
    return max((one for one in found if one and _credible(text, one)), key=lambda one: one.weight, default=None)


def _credible(text: str, found: Found) -> bool:
    """Whether divisions may stand there: the deeper inside a word, the more of them must be named."""
    before = re.split(r"[\s,;|:、。☎]", text[: found.start])[-1]
    if not before:
        return bool(found.levels > 1 or found.in_full or _ADDRESS.search(text, found.end))
    if len(before) <= GLUED_NAME and _surname(before):
        return found.levels > 1 or bool(found.in_full)
    return found.levels > 1 and bool(found.in_full)


def _tokens(before: str, after: str) -> list[_Token]:
    """The words behind the divisions, then those before them: what was before belongs to the end of an address."""
    head, tail = _TOKEN.findall(before), _TOKEN.findall(after)
    words = [*head, *tail]
    made = []
    for place, word in enumerate(words):
        beside = any(one == PHONE or _NUMBER.fullmatch(one) for one in words[max(0, place - 1) : place + 2])
        made.append(_Token(word.strip("-·.'"), beside, place == 0, place == len(words) - 1))
    made = [*made[len(head) :], *made[: len(head)]]
    return [one for one in made if one.text != PHONE and _polite_off(one.text) and not _NUMBER.fullmatch(one.text)]


def _without_repeats(found: Found, tokens: list[_Token]) -> tuple[Found, list[_Token]]:
    """Divisions that are named again, as when a list's choice is followed by the whole address."""
    kept = []
    for token in tokens:
        again = found_at(token.text, 0)
        same = again is not None and _same(found, again) and (again.levels > 1 or again.end == len(token.text))
        if again is None or not same:
            kept.append(token)
            continue
        found = replace(found, county=found.county or again.county, city=found.city or again.city)
        if token.text[again.end :]:
            kept.append(replace(token, text=token.text[again.end :]))
    return found, kept


def _same(found: Found, again: Found) -> bool:
    pairs = ((found.province, again.province), (found.city, again.city), (found.county, again.county))
    return all(one == other or not one or not other for one, other in pairs) and found.province == again.province


def _name(tokens: list[_Token]) -> tuple[str, list[_Token]]:
    """The word that is most like a name and stands where names stand; an office's or a firm's name if no person's."""
    best = max(tokens, key=_likeness, default=None)
    if best is None or _likeness(best) < LIKELY:
        bodies = (one for one in tokens if _BODY.fullmatch(one.text) and (one.beside_phone or one.first or one.last))
        best = next(bodies, None)
    if best is None:
        return "", tokens
    return _polite_off(best.text) or best.text, [one for one in tokens if one is not best]


LIKELY = 4


def _likeness(token: _Token) -> int:
    word = _polite_off(token.text)
    if not _PERSON.fullmatch(word) or not (token.beside_phone or token.first or token.last):
        return 0
    short = len(word) in {2, 3}
    return (
        4 * token.beside_phone
        + 3 * token.first
        + token.last
        + 3 * _surname(word)
        + short
        - (4 if len(word) == 2 else 6) * bool(_PLACE.fullmatch(word))
        + 2 * (word != token.text)
    )


def _name_at_the_end(line: str) -> tuple[str, str]:
    found = _GLUED_AT_END.search(line)
    name = _polite_off(found.group(1)) if found else ""
    if found is None or len(name) < 2 or not _surname(name) or _PLACE.fullmatch(name):
        return "", line
    return name, line[: found.start()]


def _surname(word: str) -> bool:
    return word[:1] in _SURNAMES or _TWO_CHARACTERS.match(word) is not None


def _polite_off(word: str) -> str:
    return _POLITE.sub("", word)


def _joined(words: Sequence[str]) -> str:
    """Without gaps, but letters and digits of two words are kept apart."""
    line = ""
    for word in words:
        line += " " * bool(_ASCII_SEAM.fullmatch(line[-1:] + word[:1])) + word
    return line
