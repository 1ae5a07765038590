"""Template messages of the official account."""

from collections.abc import Mapping

from backend.core.errors import ProviderError
from backend.core.wechat import WeChat
from notify.channels.base import NO_TEMPLATE, AddressLimits, Message, Outcome
from notify.channels.wechat_outcome import outcome_of


class WeChatTemplateChannel:
    """Sends through `client`; `template_ids` maps our forms to the account's templates."""

    name = "wechat_template"
    repeat_window_s = 600.0
    address_limits: AddressLimits = ()

    def __init__(
        self, client: WeChat, template_ids: Mapping[str, str], public_url: str, *, daily_limit: int = 100_000
    ) -> None:
        self._client = client
        self._public_url = public_url.rstrip("/")
        self.template_ids = template_ids
        self.daily_limit: int | None = daily_limit

    def send(self, message: Message) -> Outcome:
        template_id = self.template_ids.get(message.form)
        if template_id is None:
            return Outcome("again", code=NO_TEMPLATE)
        try:
            msgid = self._client.send_template(
                openid=message.address,
                template_id=template_id,
                data=message.values,
                url=self._public_url + message.link if message.link else "",
                client_msg_id=message.id.hex,
            )
        except ProviderError as trouble:
            return outcome_of(trouble)
        return Outcome("sent", provider_id=msgid)
