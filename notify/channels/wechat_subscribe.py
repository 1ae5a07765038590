"""Subscribe messages of the mini-program: one for each time the person agreed, or any number of long-term ones."""

from collections.abc import Mapping
from urllib.parse import urlencode

from backend.core.errors import ProviderError
from backend.core.wechat import WeChat
from notify.channels.base import NO_TEMPLATE, AddressLimits, Message, Outcome
from notify.channels.wechat_outcome import outcome_of

PAGE = "pages/open/open"
"""The mini-program's page that opens a path of the citizen app."""


class WeChatSubscribeChannel:
    """Sends through `client`. WeChat drops no repeats here, so an attempt without an answer is never repeated."""

    name = "wechat_subscribe"
    repeat_window_s = 0.0
    daily_limit: int | None = None
    address_limits: AddressLimits = ()

    def __init__(self, client: WeChat, template_ids: Mapping[str, str]) -> None:
        self._client = client
        self.template_ids = template_ids

    def send(self, message: Message) -> Outcome:
        template_id = self.template_ids.get(message.form)
        if template_id is None:
            return Outcome("again", code=NO_TEMPLATE)
        try:
            msgid = self._client.send_subscribe(
                openid=message.address,
                template_id=template_id,
                data=message.values,
                page=f"{PAGE}?{urlencode({'to': message.link})}" if message.link else "",
            )
        except ProviderError as trouble:
            return outcome_of(trouble)
        return Outcome("sent", provider_id=msgid)
