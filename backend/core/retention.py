"""保存期限: how long each kind of record is kept, as data: the one table that purge jobs, pages and tests read.

`CLASSES` is written out as docs/retention.md. A test walks the metadata: a table with sealed values, blind indexes or
somebody's id belongs to exactly one class, or to `IMPERSONAL` with the reason why it tells nothing about anybody.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import text
from sqlalchemy.orm import Session

from backend.core import clock
from backend.core.errors import Text


@dataclass(frozen=True)
class Retention:
    """One class. `days` run from `since`; None: as long as the account exists. `after` says what becomes of it.

    `purge` is the function that does it, `setting` the environment variable that may change the days. What `stays`
    is kept beyond an erasure of the account until its days are over, because the basis demands it.
    """

    code: str
    name: Text
    days: int | None
    since: Text
    after: Text
    basis: Text
    purge: str
    tables: tuple[str, ...]
    setting: str | None = None
    stays: bool = False


PIPL_19: Final = Text("《个人信息保护法》第十九条：保存最短必要时间", "PIPL art. 19: no longer than necessary")
GONE: Final = Text("删除", "Deleted")
_FROM_END: Final = Text("办理结束之日", "The day it ended")

CLASSES: Final[tuple[Retention, ...]] = (
    Retention(
        "account",
        Text(
            "账户：姓名、证件号码、手机号、登录方式、亲友和单位代办关系",
            "Account: name, numbers, logins, people and bodies",
        ),
        None,
        Text("注册", "Registration"),
        Text("你注销账户时删除", "Deleted when you close the account"),
        Text("《个人信息保护法》第十三条、第四十七条", "PIPL arts. 13 and 47"),
        "backend.identity.personal:PART",
        ("person", "person_login", "family_link", "organisation_agent", "filing_code"),
    ),
    Retention(
        "unseen",
        Text("家人或窗口登记、自己从没登录过的人", "People a relative or a window entered, who never logged in"),
        730,
        Text("登记；有代办关系、预约或办件的，到这些结束", "Entry, or the end of the last link, visit and case"),
        Text("姓名和证件号码删除", "Name and number are deleted"),
        PIPL_19,
        "backend.privacy.jobs:purge",
        (),
    ),
    Retention(
        "reach",
        Text("联系方式和提醒设置", "Where notices reach you, and your choices about them"),
        None,
        Text("登录或设置", "Login or choice"),
        Text("你注销账户时删除", "Deleted when you close the account"),
        Text("《个人信息保护法》第十三条、第四十七条", "PIPL arts. 13 and 47"),
        "notify.personal:PART",
        ("contact", "subscription", "notice_preference", "notice_copy"),
    ),
    Retention(
        "addresses",
        Text("地址簿", "Address book"),
        None,
        Text("填写", "Entry"),
        Text("你删除地址或注销账户时删除", "Deleted when you delete the entry or close the account"),
        Text("《个人信息保护法》第十三条、第四十七条", "PIPL arts. 13 and 47"),
        "express.personal:PART",
        ("address",),
    ),
    Retention(
        "login",
        Text("登录验证码、登录途中的记录、登录失败次数", "Login codes, logins under way, failed logins"),
        1,
        Text("失效", "Expiry"),
        GONE,
        PIPL_19,
        "backend.identity.personal:purge",
        ("sms_code", "login_state", "login_source"),
    ),
    Retention(
        "sessions",
        Text("登录状态", "Sessions"),
        30,
        Text("登录", "Login"),
        GONE,
        PIPL_19,
        "backend.identity.sessions:purge",
        ("login_session",),
    ),
    Retention(
        "repeats",
        Text("防止重复提交的请求编号和答复", "Request keys that keep a repeated request from happening twice"),
        3,
        Text("请求", "Request"),
        GONE,
        PIPL_19,
        "backend.core.idempotency:purge",
        ("idempotency_key",),
    ),
    Retention(
        "drafts",
        Text("没有提交的申请：填写内容和材料", "Applications never handed in: answers and materials"),
        30,
        Text("最后一次填写", "The last change"),
        Text("内容和材料删除", "Answers and materials are deleted"),
        PIPL_19,
        "backend.applications.jobs:expire_applications",
        ("application", "application_version", "application_paper"),
    ),
    Retention(
        "cases",
        Text("办结的办件：申请内容、材料、沟通和结果", "Concluded cases: answers, materials, messages and result"),
        3653,
        _FROM_END,
        Text("内容和材料删除，只留办件编号、事项和日期", "Contents go; number, item and dates stay"),
        Text(
            "《机关文件材料归档范围和文书档案保管期限规定》：定期保管十年", "Archive rules for public bodies: ten years"
        ),
        "backend.applications.personal:purge",
        (
            *("service_case", "case_correction", "case_message", "case_part", "case_special", "case_transfer"),
            *("commitment_signature", "credit_check", "material_demand"),
        ),
        stays=True,
    ),
    Retention(
        "cases_ended",
        Text("没有办成的办件：撤回、终止、不予受理", "Cases without a decision: withdrawn, ended, not accepted"),
        1826,
        _FROM_END,
        Text("内容和材料删除，只留办件编号、事项和日期", "Contents go; number, item and dates stay"),
        Text("《行政诉讼法》第四十六条：最长五年的起诉期限", "Administrative Litigation Law art. 46: five years"),
        "backend.applications.personal:purge",
        (),
        stays=True,
    ),
    Retention(
        "files",
        Text("上传的文件", "Uploaded files"),
        30,
        Text("上传或最后一次使用；属于办件的随办件保存", "Upload or last use; a case's files are kept with it"),
        Text("内容和文件名删除", "Contents and names are deleted"),
        PIPL_19,
        "backend.files.quarantine:abandon",
        ("file", "file_part", "file_consent"),
        stays=True,
    ),
    Retention(
        "licences",
        Text("经你同意查询的电子证照", "Licences looked up with your consent"),
        30,
        Text("查询；用在办件里的随办件保存", "Look-up; those used in a case are kept with it"),
        GONE,
        Text("国务院令第716号；《个人信息保护法》第十九条", "State Council Order 716; PIPL art. 19"),
        "backend.licences.personal:purge",
        ("licence_fetch",),
        stays=True,
    ),
    Retention(
        "province",
        Text("报送省级平台的办件数据", "What was sent to the province's platform"),
        180,
        Text("送达", "Arrival"),
        Text("内容删除，只留回执", "Contents go; the receipt stays"),
        PIPL_19,
        "backend.province.personal:purge",
        ("province_feed",),
        stays=True,
    ),
    Retention(
        "visits",
        Text("预约、守约记录和申诉", "Appointments, missed visits and appeals"),
        730,
        Text("预约的日子", "The day of the visit"),
        GONE,
        PIPL_19,
        "backend.appointments.personal:purge",
        ("appointment", "appointment_line", "appointment_slot", "conduct_mark"),
    ),
    Retention(
        "tickets",
        Text("签到和排队", "Check-ins and queue tickets"),
        730,
        Text("取号的日子", "The day of the ticket"),
        Text("删除，只留每小时的人数", "Deleted; the hours' figures stay"),
        PIPL_19,
        "backend.queueing.personal:purge",
        ("check_in", "ticket", "ticket_item", "call", "leg"),
    ),
    Retention(
        "ratings",
        Text("评价里的话和整改答复", "Words of a rating and the hall's answer"),
        730,
        Text("评价", "Rating"),
        Text("评价的话和是谁评价的删除，只留分数", "Words and person go; the grade stays"),
        PIPL_19,
        "backend.ratings.personal:purge",
        ("rating", "follow_up"),
    ),
    Retention(
        "hotline",
        Text("向12345提的问题", "Questions to the hotline 12345"),
        730,
        Text("提问", "Question"),
        GONE,
        PIPL_19,
        "backend.hotline.personal:purge",
        ("hotline_ticket",),
    ),
    Retention(
        "notices",
        Text("站内消息和发送记录", "Messages and how they were sent"),
        365,
        Text("消息写成", "The message was written"),
        GONE,
        Text("《网络安全法》第二十一条：记录不少于六个月", "Cybersecurity Law art. 21: at least six months"),
        "notify.personal:purge",
        ("notification", "delivery", "delivery_receipt"),
    ),
    Retention(
        "shipping",
        Text("寄件的收寄人、电话和地址", "Names, phones and addresses of shipments"),
        180,
        _FROM_END,
        Text("删除，只留单号、日期和邮费", "Deleted; numbers, dates and postage stay"),
        Text("《个人信息保护法》第十九条；《快递暂行条例》", "PIPL art. 19; Express Delivery Regulations"),
        "express.jobs:forget",
        ("shipment", "postage_quote"),
        setting="EXPRESS_RETENTION_DAYS",
    ),
    Retention(
        "handovers",
        Text("窗口领取的签名和领取人", "Signature and receiver of what was handed out at a window"),
        1096,
        Text("领取", "Hand-over"),
        GONE,
        Text("《民法典》第一百八十八条：三年诉讼时效", "Civil Code art. 188: three years"),
        "express.personal:purge",
        ("window_handover",),
        stays=True,
    ),
    Retention(
        "payers",
        Text("缴款书上的缴款人", "The payer on a bill"),
        1826,
        _FROM_END,
        Text("姓名和证件号码删除，金额和票据号码保留", "Name and number go; sums and receipt numbers stay"),
        Text("《财政票据管理办法》：票据存根保存五年", "Rules on fiscal receipts: stubs are kept five years"),
        "payments.personal:purge",
        ("bill",),
        stays=True,
    ),
    Retention(
        "paying",
        Text(
            "支付请求里的微信、支付宝账号，谁查过缴款书", "Channel accounts in payment requests; who looked at a bill"
        ),
        400,
        _FROM_END,
        Text("删除，金额和流水号保留", "Deleted; sums and transaction numbers stay"),
        PIPL_19,
        "payments.personal:purge",
        ("payment_attempt", "bill_reader"),
    ),
    Retention(
        "payment_notices",
        Text("支付渠道通知的原文", "Texts of the channels' notifications"),
        400,
        Text("收到", "Receipt"),
        Text("原文删除，只留校验值", "The text goes; its digest stays"),
        PIPL_19,
        "payments.keeping:forget_notices",
        ("channel_event",),
        setting="PAYMENT_NOTICE_DAYS",
    ),
    Retention(
        "exports",
        Text("你导出的个人信息", "Your exported data"),
        7,
        Text("生成", "Making"),
        GONE,
        PIPL_19,
        "backend.privacy.jobs:make_exports",
        ("personal_export",),
    ),
    Retention(
        "requests",
        Text("注销账户的申请", "Requests to close an account"),
        1096,
        _FROM_END,
        GONE,
        Text("《个人信息保护法》第五十条、第五十六条", "PIPL arts. 50 and 56"),
        "backend.privacy.personal:purge",
        ("erasure",),
        stays=True,
    ),
)

IMPERSONAL: Final[dict[str, str]] = {
    "audit_event": "who did what by opaque ids, never a value; kept, append-only (Cybersecurity Law 21)",
    "audit_seal": "hashes of the audit trail",
    "journal_seal": "hashes of the books",
    "carrier_statement": "digest of a carrier's file",
    "recon_book": "digest of a channel's file",
    "seed_record": "digest of a seed file",
    "device": "keyed hash of a device's code",
    "device_key": "public key of a device",
    "provider_token": "our own token at a provider",
    "official_callback": "hash of a push; kept for a day",
    "staff": "members of staff, as long as they are employed",
    "staff_role": "members of staff, as long as they are employed",
    "window_session": "members of staff, as long as they are employed",
}
"""Tables with sealed or hashed columns, or with ids of staff, that tell nothing about a citizen."""

_BY_CODE: Final = {one.code: one for one in CLASSES}


def days(code: str) -> int:
    """The days of a class that has some."""
    found = _BY_CODE[code].days
    if found is None:
        raise ValueError(f"{code} has no days: it is kept as long as the account exists")
    return found


def before(code: str) -> datetime:
    """What ended before this moment has outlived its class (UTC)."""
    return clock.now() - timedelta(days=days(code))


def purging(session: Session) -> None:
    """Until this transaction ends, the event tables named in docs/decisions/0021 let rows go. The audit never does."""
    session.execute(text("SET LOCAL weizheng.purging = 'on'"))
