"""Why a message did not arrive, in plain words for staff."""

from backend.core.errors import Text

REASONS: dict[str, Text] = {
    "-1": Text("微信忙，过一会儿再发", "WeChat was busy; it is tried again"),
    "40001": Text("微信的凭证失效了，会自动换新", "WeChat's token had ended; a new one is fetched"),
    "40003": Text("收件人的微信号不属于这个账号", "The recipient is not known to this account"),
    "40037": Text("模板编号不对，请检查设置", "The template id is wrong; check the settings"),
    "41030": Text("小程序里没有这个页面，或者还没发布", "The mini-program has no such page, or is not published"),
    "43004": Text("收件人没有关注公众号", "The recipient does not follow the account"),
    "43019": Text("收件人在公众号的黑名单里", "The recipient is on the account's blacklist"),
    "43101": Text("收件人没有同意接收，或者同意的次数用完了", "The recipient has not agreed, or the grant is used up"),
    "45009": Text("今天的消息额度用完了", "Today's messages are used up"),
    "47003": Text("模板里有一项内容不符合微信的要求", "A value breaks the rules of WeChat's template"),
    "48001": Text("账号没有发这种消息的权限", "The account may not send this kind of message"),
    "50002": Text("微信限制了这个账号，请登录微信后台查看", "WeChat has restricted the account; look at its console"),
    "no_template": Text("没有设置这种通知的模板编号", "No template id is set for this notice"),
    "too_many": Text(
        "这个号码一分钟最多收一条，一天最多五条，晚点再发",
        "A number gets one a minute and five a day; it is tried later",
    ),
    "not_sent": Text("连不上微信或短信网关", "WeChat or the SMS gateway could not be reached"),
    "not_tried": Text("同一批前面的没发出去，这条先等着", "Earlier ones of the batch failed, so this one waits"),
    "timeout": Text("对方没有答复，不知道收到没有", "No answer came: it may have arrived or not"),
    "worker_lost": Text("发的时候程序中断了，不知道收到没有", "The worker stopped while sending: it may have arrived"),
    "user block": Text("收件人拒收了公众号的消息", "The recipient blocks the account's messages"),
    "system failed": Text("微信自己没有送到", "WeChat itself failed to deliver"),
    "PHONE_INVALID": Text("手机号不对", "The phone number is wrong"),
    "TEMPLATE_UNKNOWN": Text("短信模板没有登记", "The SMS text is not registered"),
    "PARAMS_MISSING": Text("短信模板缺一项内容", "The SMS text lacks a value"),
    "BUSY": Text("短信网关忙，过一会儿再发", "The SMS gateway was busy; it is tried again"),
}

OTHER = Text("服务商没有收下，代码见左边", "The provider refused; see its code")


def reason(code: str, language: str) -> str:
    """The words for a provider's code or one of ours."""
    if code.startswith("http_"):
        code = "not_sent"
    return REASONS.get(code, OTHER).in_language(language)
