"""Fee standards as they stood on a day. The standard in force on the day of acceptance applies (money rule M10)."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from backend.core.errors import Conflict, NotFound, Text
from payments.models import CollectingUnit, FeeStandard, IncomeItem


class IncomeItemNotFound(NotFound):
    """There is no income item with this code."""

    code = "income_item_not_found"
    title = Text("没有这个收费项目", "There is no such income item")


class NothingToCharge(Conflict):
    """The service is free on that day and must not be billed (money rule M12)."""

    code = "nothing_to_charge"
    title = Text("这一项不收费，不能开单", "This is free of charge and cannot be billed")


class NoFeeInForce(Conflict):
    """No confirmed standard is in force on that day, so nothing may be charged."""

    code = "no_fee_in_force"
    title = Text("这一天没有生效的收费标准，不能开单", "No confirmed fee standard is in force on that day")


@dataclass(frozen=True)
class Fee:
    """A standard in force from `valid_from` to `valid_to`, both included. One that is not verified is never billed."""

    code: str
    amount_fen: int
    unit: str
    legal_basis: str | None
    verified: bool
    valid_from: date
    valid_to: date | None

    def covers(self, day: date) -> bool:
        """Whether the standard is in force on that civil day."""
        return self.valid_from <= day and (self.valid_to is None or day <= self.valid_to)


@dataclass(frozen=True)
class Tariff:
    """An income item with all its standards, oldest first."""

    code: str
    kind: str
    collecting_unit: str
    name: Text
    fees: tuple[Fee, ...]

    def on(self, day: date) -> Fee | None:
        """The standard in force on that day, if any."""
        return next((fee for fee in self.fees if fee.covers(day)), None)


def fee_on(session: Session, code: str, on: date) -> Fee | None:
    """The standard of an income item in force on a civil day, verified or not; None if there is none."""
    row = session.scalar(
        select(FeeStandard).where(
            FeeStandard.income_item_code == code,
            FeeStandard.valid_from <= on,
            or_(FeeStandard.valid_to.is_(None), FeeStandard.valid_to >= on),
        )
    )
    return _fee(row) if row else None


def charge_on(session: Session, code: str, on: date) -> Fee:
    """The standard to bill on a civil day. Raises NothingToCharge if it is free, NoFeeInForce if none is verified."""
    fee = fee_on(session, code, on)
    if fee is None or not fee.verified:
        raise NoFeeInForce(income_item=code)
    if fee.amount_fen == 0:
        raise NothingToCharge(income_item=code)
    return fee


def tariffs(session: Session) -> dict[str, Tariff]:
    """Every income item with its standards, by code."""
    fees: dict[str, list[Fee]] = {}
    for row in session.scalars(select(FeeStandard).order_by(FeeStandard.income_item_code, FeeStandard.valid_from)):
        fees.setdefault(row.income_item_code, []).append(_fee(row))
    return {item.code: _tariff(item, fees.get(item.code, ())) for item in session.scalars(select(IncomeItem))}


def chargeable(session: Session, on: date) -> list[dict[str, Any]]:
    """Collecting units with what they may charge on a day; a fine has no sum of its own, what is free is left out."""
    found = tariffs(session).values()
    units = []
    for unit in session.scalars(select(CollectingUnit).order_by(CollectingUnit.code)):
        mine = [tariff for tariff in found if tariff.collecting_unit == unit.code]
        items = [_charge(tariff, tariff.on(on)) for tariff in sorted(mine, key=lambda one: one.code)]
        if charges := [item for item in items if item is not None]:
            units.append({"code": unit.code, "name": Text(unit.name_zh, unit.name_en)._asdict(), "items": charges})
    return units


def _charge(tariff: Tariff, fee: Fee | None) -> dict[str, Any] | None:
    shown = {"code": tariff.code, "kind": tariff.kind, "name": tariff.name._asdict()}
    if tariff.kind == "penalty":
        return {**shown, "amount_fen": None, "unit": None, "legal_basis": None}
    if tariff.kind != "non_tax" or fee is None or not fee.verified or fee.amount_fen == 0:
        return None
    return {**shown, "amount_fen": fee.amount_fen, "unit": fee.unit, "legal_basis": fee.legal_basis}


def _tariff(item: IncomeItem, fees: Iterable[Fee]) -> Tariff:
    return Tariff(item.code, item.kind, item.collecting_unit, Text(item.name_zh, item.name_en), tuple(fees))


def _fee(row: FeeStandard) -> Fee:
    return Fee(
        row.income_item_code, row.amount_fen, row.unit, row.legal_basis, row.verified, row.valid_from, row.valid_to
    )
