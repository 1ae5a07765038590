"""The operator's desk of the simulated EMS, as a page and inside the sandbox; and EMS's settings."""

import re
from dataclasses import replace

import pytest
import requests

from backend import development
from backend.core.config import Settings
from backend.sandbox.app import create_sandbox
from express.carriers import ems
from express.carriers.base import TrackEvent
from express.carriers.ems_wire import EmsWire, Reply
from express.sandbox.ems.labels import code128
from tests.conftest import make_settings
from tests.express.carriers.ems_site import Site


def press(site: Site, **form: str) -> str:
    answer = requests.post(f"{site.url}/ems/desk", data=form, timeout=5)
    assert answer.status_code == 200, answer.text
    return answer.text


def codes(events: list[TrackEvent]) -> list[str]:
    return [event.op_code for event in events]


def test_a_shipment_is_moved_by_hand(site: Site) -> None:
    waybill = site.carrier.place(site.order()).waybill
    page = requests.get(f"{site.url}/ems/desk", timeout=5).text
    assert waybill in page
    assert "张**" in page
    assert "张测试" not in page
    press(site, act="next", waybill=waybill, journey="lost")
    assert codes(list(site.carrier.track(waybill))) == ["203"]
    page = press(site, act="play", waybill=waybill, journey="lost")
    assert codes(list(site.carrier.track(waybill))) == ["203", "954", "987"]
    assert "走完了" in page
    press(site, act="amount", waybill=waybill)
    assert site.simulator.bills.differences == [(waybill, "amount")]


def test_an_order_is_called_off_by_hand(site: Site) -> None:
    waybill = site.carrier.place(site.order()).waybill
    assert "已撤单" in press(site, act="cancel", waybill=waybill)
    assert codes(list(site.carrier.track(waybill))) == ["801"]
    press(site, act="play", waybill=waybill, journey="in_person")
    assert codes(list(site.carrier.track(waybill))) == ["801"]


def test_the_desk_makes_ems_fail_and_well_again(site: Site) -> None:
    page = press(site, act="fault", call="020003", kind="platform")
    assert "等着出故障：下单" in page
    page = press(site, act="pushes", mode="held")
    assert re.search(r'value="held" selected', page)
    page = press(site, act="good_day")
    assert "等着出故障" not in page


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("shipments/1199/next", {}),
        ("bill-differences", {"kind": "nothing"}),
    ],
)
def test_what_the_desk_does_not_know_it_refuses(site: Site, path: str, body: dict[str, str]) -> None:
    answer = requests.post(f"{site.url}/ems/operator/{path}", json=body, timeout=5)
    assert answer.status_code in {400, 404}
    assert requests.put(f"{site.url}/ems/operator", json={"faults": [{"kind": "x"}]}, timeout=5).status_code == 400


def test_the_label_s_bars_are_code_128() -> None:
    """A published example: PJJ123C has the check value 54 in set A, so 55 in set B, whose start is one more."""
    widths = code128("PJJ123C")
    assert widths.startswith("211214")
    assert widths.endswith("2331112")
    assert len(widths) == 6 * 9 + 7
    assert widths[-13:-7] == "311321"


def test_the_sandbox_has_ems_when_its_settings_do() -> None:
    values = vars(make_settings("postgresql://x/x"))
    assert create_sandbox(values).test_client().get("/ems/desk").status_code == 200
    without = values | {"ems_sender_no": ""}
    assert create_sandbox(without).test_client().get("/ems/desk").status_code == 404


def test_mailing_is_off_until_there_is_a_contract() -> None:
    assert ems.from_settings(replace(make_settings("postgresql://x/x"), ems_sender_no="")) is None


def test_a_development_run_shares_a_key_with_its_sandbox(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("var")
    environ = development.environment(folder, "postgresql://x/y", 8000, 8001)
    settings = Settings.from_env(environ)
    assert ems.from_settings(settings) is not None
    assert environ["EMS_SIGN_KEY"] == development.environment(folder, "postgresql://x/y", 8000, 8001)["EMS_SIGN_KEY"]
    assert settings.ems_base.startswith("http://127.0.0.1:8001/")


def test_an_order_that_is_known_without_its_waybill_is_asked_for_again(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    placed = site.carrier.place(site.order())
    real = EmsWire.call

    def without_waybill(wire: EmsWire, api_code: str, body: object) -> Reply:
        return Reply({"postageTotal": ""}) if api_code == ems.POSTAGE else real(wire, api_code, body)

    monkeypatch.setattr(EmsWire, "call", without_waybill)
    assert site.carrier.find(site.order()) == placed
    assert len(site.simulator.office.parcels) == 1
