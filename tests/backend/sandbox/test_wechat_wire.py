"""The WeChat simulator against the real wechatpy client and against the wire."""

from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
import requests
from wechatpy import WeChatClient
from wechatpy.exceptions import WeChatClientException
from wechatpy.oauth import WeChatOAuth, WeChatOAuthException

from backend.core.config import Settings
from backend.core.wechat import OFFICIAL_HOST, _Redirected
from backend.sandbox.wechat_templates import MINI_TEMPLATES, TEMPLATE_IDS
from tests.sandbox_server import RunningSandbox

GOOD = {
    "thing2": {"value": "普通护照首次申请"},
    "thing5": {"value": "市政务服务中心"},
    "time3": {"value": "2026年12月1日 09:30"},
    "character_string4": {"value": "1234 5678"},
    "thing7": {"value": "云顶北路842号"},
}


def library_client(sandbox: RunningSandbox, appid: str, secret: str) -> WeChatClient:
    client = WeChatClient(appid, secret, auto_retry=False)
    client._http.mount(OFFICIAL_HOST, _Redirected(sandbox.url))
    return client


@pytest.fixture
def official(sandbox: RunningSandbox, plain_settings: Settings) -> WeChatClient:
    settings = plain_settings
    return library_client(sandbox, settings.wechat_official_appid, settings.wechat_official_secret)


def stable(sandbox: RunningSandbox, settings: Settings, *, force: bool = False) -> tuple[str, int]:
    body = {
        "grant_type": "client_credential",
        "appid": settings.wechat_official_appid,
        "secret": settings.wechat_official_secret,
        "force_refresh": force,
    }
    answer = requests.post(f"{sandbox.url}/cgi-bin/stable_token", json=body, timeout=5).json()
    return answer["access_token"], answer["expires_in"]


def ticket_verdict(sandbox: RunningSandbox, token: str) -> int:
    """The errcode of a harmless call with this access token."""
    query = {"access_token": token, "type": "jsapi"}
    answer = requests.get(f"{sandbox.url}/cgi-bin/ticket/getticket", params=query, timeout=5).json()
    assert answer["errcode"] == 0 or " rid: " in answer["errmsg"]
    return int(answer["errcode"])


def test_the_library_fetches_a_token_and_sends_a_message(sandbox: RunningSandbox, official: WeChatClient) -> None:
    openid = sandbox.person("zhang")["openid_official"]
    answer = official.message.send_template(
        openid, TEMPLATE_IDS["appointment_booked"], GOOD, url="https://zw.example/x"
    )
    assert answer["errcode"] == 0
    assert isinstance(answer["msgid"], int)
    [message] = sandbox.messages("zhang")
    assert (message["title"], message["url"]) == ("预约成功通知", "https://zw.example/x")
    assert {"label": "办理事项", "value": "普通护照首次申请"} in message["fields"]
    assert sandbox.messages("li") == []


@pytest.mark.parametrize(
    ("changes", "errcode"),
    [
        ({"touser": "nobody"}, 40003),
        ({"template_id": "nothing"}, 40037),
        ({"data": {**GOOD, "thing2": {"value": "长" * 21}}}, 47003),
    ],
)
def test_a_refusal_names_its_reason(
    sandbox: RunningSandbox, official: WeChatClient, changes: dict[str, object], errcode: int
) -> None:
    body = {
        "touser": sandbox.person("zhang")["openid_official"],
        "template_id": TEMPLATE_IDS["appointment_booked"],
        "data": GOOD,
    }
    with pytest.raises(WeChatClientException) as refusal:
        official.post("message/template/send", data={**body, **changes})
    assert refusal.value.errcode == errcode
    assert " rid: " in refusal.value.errmsg
    if errcode == 47003:
        assert refusal.value.errmsg.startswith("argument invalid! data.thing2.value invalid rid: ")
    assert sandbox.messages("zhang") == []


def test_only_followers_are_reached_and_the_quota_ends(sandbox: RunningSandbox, official: WeChatClient) -> None:
    def send() -> int:
        try:
            openid = sandbox.person("li")["openid_official"]
            return int(official.message.send_template(openid, TEMPLATE_IDS["appointment_booked"], GOOD)["errcode"])
        except WeChatClientException as refusal:
            return int(refusal.errcode)

    sandbox.follow("li", following=False)
    assert send() == 43004
    sandbox.follow("li", following=True)
    sandbox.faults(quota_left=1)
    assert [send(), send()] == [0, 45009]


def test_the_same_message_id_arrives_once_in_ten_minutes(sandbox: RunningSandbox, official: WeChatClient) -> None:
    body = {
        "touser": sandbox.person("zhang")["openid_official"],
        "template_id": TEMPLATE_IDS["appointment_booked"],
        "client_msg_id": "same",
        "data": GOOD,
    }
    first = official.post("message/template/send", data=body)["msgid"]
    assert official.post("message/template/send", data=body)["msgid"] == first
    assert len(sandbox.messages("zhang")) == 1
    sandbox.advance(601)
    assert official.post("message/template/send", data=body)["msgid"] != first
    assert len(sandbox.messages("zhang")) == 2


def test_the_stable_token_stays_and_overlaps(sandbox: RunningSandbox, plain_settings: Settings) -> None:
    sandbox.spoil_tokens("superseded")
    first, left = stable(sandbox, plain_settings)
    assert left == 7200
    sandbox.advance(6000)
    assert stable(sandbox, plain_settings)[0] == first
    sandbox.advance(950)
    second, left = stable(sandbox, plain_settings)
    assert (second != first, left) == (True, 7200)
    assert ticket_verdict(sandbox, first) == 0
    sandbox.advance(260)
    assert ticket_verdict(sandbox, first) == 42001
    assert ticket_verdict(sandbox, second) == 0


def test_a_forced_refresh_revokes_but_not_twice_in_thirty_seconds(
    sandbox: RunningSandbox, plain_settings: Settings
) -> None:
    sandbox.advance(86_400)
    first, _ = stable(sandbox, plain_settings)
    second, _ = stable(sandbox, plain_settings, force=True)
    assert ticket_verdict(sandbox, first) == 40001
    assert stable(sandbox, plain_settings, force=True)[0] == second
    sandbox.advance(31)
    assert stable(sandbox, plain_settings, force=True)[0] != second


def test_a_classic_token_kills_the_one_before_after_five_minutes(
    sandbox: RunningSandbox, plain_settings: Settings
) -> None:
    def fetch() -> str:
        query = {
            "grant_type": "client_credential",
            "appid": plain_settings.wechat_official_appid,
            "secret": plain_settings.wechat_official_secret,
        }
        return str(requests.get(f"{sandbox.url}/cgi-bin/token", params=query, timeout=5).json()["access_token"])

    first, second = fetch(), fetch()
    held, _ = stable(sandbox, plain_settings)
    assert first != second
    assert ticket_verdict(sandbox, first) == 0
    sandbox.advance(301)
    assert ticket_verdict(sandbox, first) == 40001
    assert ticket_verdict(sandbox, second) == 0
    assert ticket_verdict(sandbox, held) == 0
    assert ticket_verdict(sandbox, "") == 41001


def login(sandbox: RunningSandbox, settings: Settings, code: str, **changes: str) -> requests.Response:
    query = {
        "appid": settings.wechat_mini_appid,
        "secret": settings.wechat_mini_secret,
        "js_code": code,
        "grant_type": "authorization_code",
        **changes,
    }
    return requests.get(f"{sandbox.url}/sns/jscode2session", params=query, timeout=5)


def test_a_login_code_works_once_for_five_minutes(sandbox: RunningSandbox, plain_settings: Settings) -> None:
    code = sandbox.login_code("wang")
    answer = login(sandbox, plain_settings, code)
    assert answer.headers["Content-Type"].startswith("text/plain")
    assert answer.json()["openid"] == sandbox.person("wang")["openid_mini"]
    assert login(sandbox, plain_settings, code).json()["errcode"] == 40163
    assert login(sandbox, plain_settings, "made-up").json()["errcode"] == 40029
    late = sandbox.login_code("wang")
    sandbox.advance(301)
    assert login(sandbox, plain_settings, late).json()["errcode"] == 40029
    fresh = sandbox.login_code("wang")
    assert login(sandbox, plain_settings, fresh, secret="wrong").json()["errcode"] == 40125
    assert login(sandbox, plain_settings, fresh, appid="wrong").json()["errcode"] == 40013


def oauth(sandbox: RunningSandbox, settings: Settings, scope: str = "snsapi_base") -> WeChatOAuth:
    client = WeChatOAuth(
        settings.wechat_official_appid,
        settings.wechat_official_secret,
        f"{settings.public_url}/api/v1/auth/wechat/callback",
        scope=scope,
        state="abc",
    )
    client.OAUTH_BASE_URL = f"{sandbox.url}/connect/"
    client._http.mount(OFFICIAL_HOST, _Redirected(sandbox.url))
    return client


def test_the_authorisation_page_sends_the_browser_back_with_a_code(
    sandbox: RunningSandbox, plain_settings: Settings
) -> None:
    client = oauth(sandbox, plain_settings, "snsapi_userinfo")
    page = requests.get(client.authorize_url, timeout=5)
    assert "张测试" in page.text
    back = parse_qs(urlsplit(sandbox.agree(client.authorize_url, "lin")).query)
    assert back["state"] == ["abc"]
    answer = client.fetch_access_token(back["code"][0])
    assert answer["openid"] == sandbox.person("lin")["openid_official"]
    assert client.get_user_info()["nickname"] == "林**"
    assert client.check_access_token()
    assert client.refresh_access_token(client.refresh_token)["openid"] == answer["openid"]
    with pytest.raises(WeChatOAuthException) as again:
        client.fetch_access_token(back["code"][0])
    assert again.value.errcode == 40163


def test_an_old_oauth_code_and_a_foreign_host_are_refused(sandbox: RunningSandbox, plain_settings: Settings) -> None:
    client = oauth(sandbox, plain_settings)
    code = parse_qs(urlsplit(sandbox.agree(client.authorize_url, "lin")).query)["code"][0]
    sandbox.advance(301)
    with pytest.raises(WeChatOAuthException) as late:
        client.fetch_access_token(code)
    assert late.value.errcode == 42003
    client.redirect_uri = "https://elsewhere.example/"
    assert "10003" in requests.get(client.authorize_url, timeout=5).text
    refused = requests.post(
        oauth(sandbox, plain_settings).authorize_url.partition("#")[0],
        data={"person": "lin", "decision": "refuse"},
        allow_redirects=False,
        timeout=5,
    )
    assert "code" not in parse_qs(urlsplit(refused.headers["Location"]).query)


def test_a_subscribe_message_spends_a_grant(sandbox: RunningSandbox, plain_settings: Settings) -> None:
    mini = library_client(sandbox, plain_settings.wechat_mini_appid, plain_settings.wechat_mini_secret)
    template, openid = MINI_TEMPLATES[0].id, sandbox.person("zhang")["openid_mini"]

    def send() -> int:
        try:
            body = {"touser": openid, "template_id": template, "data": GOOD}
            return int(mini.post("message/subscribe/send", data=body)["errcode"])
        except WeChatClientException as refusal:
            return int(refusal.errcode)

    def answer_request(action: str, *, long_term: bool = False) -> None:
        body = {"person": "zhang", "template_id": template, "action": action, "long_term": long_term}
        requests.post(f"{sandbox.url}/phone/api/subscriptions", json=body, timeout=5).raise_for_status()

    assert send() == 43101
    answer_request("accept")
    assert [send(), send()] == [0, 43101]
    answer_request("accept", long_term=True)
    assert [send(), send()] == [0, 0]
    answer_request("reject")
    assert send() == 43101


def test_the_operator_makes_wechat_fail(sandbox: RunningSandbox, official: WeChatClient) -> None:
    sandbox.faults(wechat="busy")
    with pytest.raises(WeChatClientException) as busy:
        official.get("ticket/getticket", params={"type": "jsapi", "access_token": "x"})
    assert busy.value.errcode == -1
    sandbox.faults(wechat="outage")
    with pytest.raises(WeChatClientException) as outage:
        official.get("ticket/getticket", params={"type": "jsapi", "access_token": "x"})
    assert outage.value.errcode is None
    refused = requests.put(f"{sandbox.url}/operator/api/faults", json={"wechat": "angry"}, timeout=5)
    assert refused.status_code == 400


def test_ixiamen_gives_a_real_name_for_the_granted_scopes(sandbox: RunningSandbox, plain_settings: Settings) -> None:
    settings, base = plain_settings, f"{sandbox.url}/ixiamen"
    callback = f"{settings.public_url}/api/v1/auth/ixiamen/callback"
    query = {
        "client_id": settings.ixiamen_client_id,
        "redirect_uri": callback,
        "response_type": "code",
        "scope": "basic name mobile certif-id",
        "state": "s1",
        "channel": "IXM_WECHAT_OFFICIAL_ACCOUNTS",
    }
    back = parse_qs(urlsplit(sandbox.agree(f"{base}/oauth/authorize?{urlencode(query)}", "chen")).query)
    assert back["state"] == ["s1"]
    form = {
        "grant_type": "authorization_code",
        "code": back["code"][0],
        "redirect_uri": callback,
        "client_id": settings.ixiamen_client_id,
        "client_secret": settings.ixiamen_client_secret,
    }
    wrong = requests.post(f"{base}/oauth/token", data={**form, "client_secret": "x"}, timeout=5)
    assert (wrong.status_code, wrong.json()["error"]) == (401, "invalid_client")
    issued = requests.post(f"{base}/oauth/token", data=form, timeout=5).json()
    assert issued["expires_in"] == 3599
    again = requests.post(f"{base}/oauth/token", data=form, timeout=5)
    assert (again.status_code, again.json()["error"]) == (400, "invalid_grant")
    bearer = {"Authorization": f"Bearer {issued['access_token']}"}
    profile = requests.post(f"{base}/server/public/user/get", json={}, headers=bearer, timeout=5).json()
    assert (profile["personName"], profile["certifId"], profile["certifType"]) == ("陈小童", "350299201203010043", "0")
    sandbox.advance(3600)
    assert requests.post(f"{base}/server/public/user/get", json={}, headers=bearer, timeout=5).status_code == 401
    foreign = requests.get(f"{base}/oauth/authorize", params={**query, "redirect_uri": "https://x.example"}, timeout=5)
    assert foreign.status_code == 400


def test_the_phone_page_shows_its_holder(sandbox: RunningSandbox) -> None:
    page = requests.get(f"{sandbox.url}/phone?person=wang", timeout=5)
    assert "王长者的手机" in page.text
    assert "/api/v1/auth/wechat?return_to=/" in page.text
    assert requests.get(f"{sandbox.url}/phone/api/messages?person=nobody", timeout=5).status_code == 404
    assert len(requests.get(f"{sandbox.url}/phone/api/people", timeout=5).json()["people"]) == 7
    assert requests.get(f"{sandbox.url}/operator", timeout=5).status_code == 200
