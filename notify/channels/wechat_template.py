"""Template messages of the official account."""

from collections.abc import Mapping

from backend.core.errors import ProviderError, ProviderUnavailable
from backend.core.wechat import NOT_SENT, TIMEOUT, WeChat
from notify.channels.base import Message, Outcome, Result

QUOTA_SPENT = "45009"

OUR_FAULT = frozenset({"40013", "40037", "40125", "40164", "41002", "41004", "48001"})
"""Wrong settings: the message is kept and tried again, since somebody will put them right."""

REASONS: dict[str, str] = {
    "40003": "收件人的微信号不属于这个公众号",
    "40037": "模板编号不对，请检查设置",
    "43004": "收件人没有关注公众号",
    "43019": "收件人在公众号的黑名单里",
    "45009": "今天的消息额度用完了",
    "47003": "模板里有一项内容不符合微信的要求",
    "48001": "公众号没有发模板消息的权限",
    "no_template": "没有设置这种通知的模板编号",
}
"""Why WeChat refused, in plain words for staff."""


class WeChatTemplateChannel:
    """Sends through `client`; `template_ids` maps our notices to the account's templates."""

    name = "wechat_template"
    repeat_window_s = 600.0

    def __init__(self, client: WeChat, template_ids: Mapping[str, str]) -> None:
        self._client = client
        self._template_ids = template_ids

    def send(self, message: Message) -> Outcome:
        template_id = self._template_ids.get(message.template)
        if template_id is None:
            return Outcome("again", code="no_template")
        result: Result
        try:
            msgid = self._client.send_template(
                openid=message.address,
                template_id=template_id,
                data=message.values,
                url=message.url,
                client_msg_id=message.id.hex,
            )
        except ProviderUnavailable as trouble:
            result = "unknown" if trouble.provider_code == TIMEOUT else "again"
            return Outcome(
                result,
                code=trouble.provider_code,
                exhausted=trouble.provider_code == QUOTA_SPENT,
                unreachable=trouble.provider_code == NOT_SENT,
            )
        except ProviderError as refusal:
            result = "again" if refusal.provider_code in OUR_FAULT else "refused"
            return Outcome(result, code=refusal.provider_code)
        return Outcome("sent", provider_id=msgid)
