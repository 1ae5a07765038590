"""The demo people: invented, in the unassigned division 350299, in the order the seed uses."""

from __future__ import annotations

from base64 import urlsafe_b64encode
from dataclasses import dataclass
from hashlib import sha256
from typing import Literal

Group = Literal["adult", "elder", "minor"]


@dataclass(frozen=True, slots=True)
class DemoPerson:
    """One owner of a phone in the sandbox (演示人物)."""

    key: str
    name: str
    id_number: str
    phone: str
    group: Group = "adult"
    colour: str = "#576b95"

    @property
    def is_male(self) -> bool:
        """GB 11643: an odd seventeenth digit means male."""
        return int(self.id_number[16]) % 2 == 1

    @property
    def birth_year(self) -> int:
        return int(self.id_number[6:10])

    @property
    def masked_name(self) -> str:
        return self.name[0] + "*" * (len(self.name) - 1)

    @property
    def masked_phone(self) -> str:
        return f"{self.phone[:3]}****{self.phone[-4:]}"

    def openid(self, appid: str) -> str:
        """The person's id at one account: another one for every appid, the same after a restart."""
        return "o" + _short_hash(f"openid:{appid}:{self.key}")

    def unionid(self) -> str:
        """One id across the accounts of the platform that owns them all."""
        return "u" + _short_hash(f"unionid:{self.key}")

    def ixiamen_id(self) -> str:
        return sha256(f"ixiamen:{self.key}".encode()).hexdigest()[:32]


def _short_hash(text: str) -> str:
    return urlsafe_b64encode(sha256(text.encode()).digest())[:27].decode()


PEOPLE: tuple[DemoPerson, ...] = (
    DemoPerson("zhang", "张测试", "350299199001010010", "13999990001", colour="#3d7be0"),
    DemoPerson("li", "李测试", "350299199001010029", "13999990002", colour="#c2557f"),
    DemoPerson("wang", "王长者", "350299195506150037", "13999990003", "elder", "#9a6a2f"),
    DemoPerson("chen", "陈小童", "350299201203010043", "13999990004", "minor", "#2f9a76"),
    DemoPerson("lin", "林演示", "350299198811110051", "13999990005", colour="#6a5acd"),
    DemoPerson("huang", "黄演示", "350299197602290063", "13999990006", colour="#b8562e"),
    DemoPerson("wu", "吴样例", "350299200002290072", "13999990007", colour="#4b7f8c"),
)
BY_KEY: dict[str, DemoPerson] = {person.key: person for person in PEOPLE}
BY_PHONE: dict[str, DemoPerson] = {person.phone: person for person in PEOPLE}


def by_openid(appid: str, openid: str) -> DemoPerson | None:
    """The person that ``openid`` names at ``appid``, None for an id of another account."""
    return next((person for person in PEOPLE if person.openid(appid) == openid), None)
