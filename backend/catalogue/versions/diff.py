"""What differs between two versions, field by field, in words that people read."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from backend.catalogue.versions.content import Content
from backend.core.errors import Text

FIELDS = {
    "code": Text("实施编码", "Item code"),
    "handling_code": Text("业务办理项编码", "Handling code"),
    "category": Text("窗口类别", "Window category"),
    "department": Text("部门", "Department"),
    "popularity": Text("常办排名", "Rank among the popular"),
    "name": Text("名称", "Name"),
    "summary": Text("一句话说明", "Summary"),
    "aliases": Text("别名", "Other names"),
    "object": Text("谁来办", "For whom"),
    "kind": Text("类型", "Kind"),
    "instant": Text("当场办好", "Done on the spot"),
    "law_days": Text("法定时限（工作日）", "Time the law allows (working days)"),
    "promise_days": Text("承诺时限（工作日）", "Promised time (working days)"),
    "district_days": Text("各区承诺时限", "Districts with another promise"),
    "visits": Text("跑几次", "Visits"),
    "visits_reason": Text("为什么要跑", "Why a visit is needed"),
    "depth": Text("网办深度", "Depth online"),
    "handle_area": Text("通办范围", "Where it is done"),
    "halls": Text("能办的大厅", "Halls"),
    "self_service": Text("自助机能办", "On terminals"),
    "partners": Text("靠前联办点", "Partner points"),
    "mail": Text("邮寄", "Mail"),
    "online_url": Text("网上办理网址", "Address online"),
    "free": Text("免费", "Free of charge"),
    "fees": Text("收费项目", "Fees"),
    "fee_borne_by": Text("费用谁承担", "Who bears the fees"),
    "conditions": Text("办理条件", "Conditions"),
    "steps": Text("办理步骤", "Steps"),
    "materials": Text("材料", "Materials"),
    "special_steps": Text("特殊环节", "Special steps"),
    "commitment": Text("信用承诺书", "Letter of commitment"),
    "credit_check": Text("受理时查信用", "Credit is looked up at acceptance"),
    "offline_filing": Text("备案不网办的批准", "Approval of an offline filing"),
    "booking": Text("预约规则", "Booking rules"),
    "consult_phone": Text("咨询电话", "Telephone"),
    "verified": Text("部门核实过", "Checked by the department"),
    "ended": Text("取消或合并", "Ended or merged"),
    "extra": Text("其他数据", "Further data"),
}
WORDS: Mapping[object, Text] = {
    True: Text("是", "yes"),
    False: Text("否", "no"),
    "person": Text("个人", "people"),
    "legal": Text("企业和单位", "companies and bodies"),
    "both": Text("个人和企业", "people and companies"),
    "licence": Text("行政许可", "licence"),
    "registration": Text("登记", "registration"),
    "filing": Text("备案", "filing"),
    "service": Text("公共服务", "service"),
    "city": Text("全市", "the whole city"),
    "division": Text("本区", "the district"),
    "hall": Text("本大厅", "the hall"),
    "applicant": Text("申请人", "the applicant"),
    "department": Text("部门", "the department"),
    "licence_library": Text("电子证照库", "the licence library"),
    "eproof": Text("e证明", "an e-proof"),
    "gov": Text("政府", "the government"),
    "none": Text("无", "none"),
    "abolished": Text("取消", "abolished"),
    "merged": Text("合并", "merged"),
    "bank": Text("银行", "bank"),
    "hospital": Text("医院", "hospital"),
    "school": Text("学校", "school"),
    "post_office": Text("邮政网点", "post office"),
    "community": Text("社区", "community"),
}
PARTS = {
    "in": Text("寄来", "inward"),
    "out": Text("寄出", "outward"),
    "payer": Text("谁付邮费", "paid by"),
    "family": Text("事项组", "family"),
    "minutes": Text("每人分钟", "minutes"),
    "extra_minutes": Text("每多一人分钟", "minutes for each further person"),
    "max_items": Text("一次最多几项", "items at most"),
    "max_people": Text("一次最多几人", "people at most"),
    "level": Text("实名等级", "real-name level"),
    "pre_check": Text("先审后约", "papers checked before booking"),
    "name": Text("名称", "name"),
    "source": Text("来源", "from"),
    "original": Text("原件", "originals"),
    "copies": Text("复印件", "copies"),
    "exempt": Text("免提交", "exempt"),
    "note": Text("说明", "note"),
    "wording_document": Text("批准文件", "document"),
    "basis": Text("依据", "basis"),
    "condition": Text("适用情形", "when"),
    "days": Text("最多工作日", "working days at most"),
    "standard": Text("标准", "standard"),
    "code": Text("代码", "code"),
    "kind": Text("方式", "how"),
    "successor": Text("改办", "use instead"),
    "reason": Text("原因", "reason"),
    "committee_document": Text("管委会文件", "document of the committee"),
    "reform_document": Text("审改办文件", "document of the reform office"),
    "promise_days": Text("承诺工作日", "working days"),
    "title": Text("步骤", "step"),
    "text": Text("怎么做", "how"),
}
_ORDER = {name: at for at, name in enumerate(PARTS)}
KEYS = {"materials": "id", "special_steps": "id", "fees": "code", "district_days": "division"}
"""Lists whose members keep their identity, and what tells them apart."""


@dataclass(frozen=True)
class Line:
    """One difference in words; None where there was or is nothing."""

    pointer: str
    field: str
    before: str | None
    after: str | None


def compare(before: Content, after: Content, language: str) -> list[Line]:
    """Every difference, in the order of the document; lists with identities member by member."""
    return [
        line
        for name, label in FIELDS.items()
        if before[name] != after[name]
        for line in _lines(name, label.in_language(language), before[name], after[name], language)
    ]


def _lines(name: str, label: str, before: Any, after: Any, language: str) -> Iterator[Line]:
    key = KEYS.get(name)
    if key is None:
        yield Line(f"/{name}", label, in_words(before, language), in_words(after, language))
        return
    old, new = ({part[key]: part for part in parts} for parts in (before, after))
    changed = [one for one in dict.fromkeys([*old, *new]) if old.get(one) != new.get(one)]
    for one in changed:
        yield Line(
            f"/{name}/{one}", label, in_words(old.get(one), language, key), in_words(new.get(one), language, key)
        )
    if not changed:
        yield Line(f"/{name}", label, "、".join(old), "、".join(new))


def in_words(value: Any, language: str, identity: str | None = None) -> str | None:
    """A value of the document as people read it; nothing for nothing."""
    if value is None or value in ("", [], {}):
        return None
    if isinstance(value, dict):
        if set(value) == {"zh", "en"}:
            return str(value[language]) or None
        names = sorted(value, key=lambda name: _ORDER.get(name, len(_ORDER)))
        inner = ((name, in_words(value[name], language)) for name in names if name not in (identity, "id"))
        colon = ": " if language == "en" else "："
        head = str(value[identity]) if identity and identity != "id" else ""
        told = [head, *(f"{_part(name, language)}{colon}{text}" for name, text in inner if text)]
        return ("; " if language == "en" else "；").join(part for part in told if part)
    if isinstance(value, list):
        return "\n".join(text for part in value if (text := in_words(part, language)))
    if isinstance(value, bool | str) and value in WORDS:
        return WORDS[value].in_language(language)
    return str(value)


def _part(name: str, language: str) -> str:
    return PARTS[name].in_language(language) if name in PARTS else name
