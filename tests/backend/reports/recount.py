"""The same figures counted again, slowly, by plain loops over rows: nothing of `backend.reports` is used here."""

import datetime as dt
from collections import Counter, defaultdict
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from backend.applications.case_models import Case, CaseEventRow, CaseMessage, CaseSpecial
from backend.appointments.models import Appointment
from backend.catalogue.versions.models import ItemVersion
from backend.core.calendar import CalendarDay
from backend.queueing.models import CheckIn, QueueHour, Ticket
from backend.ratings.models import FollowUp, Rating
from express.models import ExpressOffice, Shipment
from payments.attempt_models import Attempt
from payments.bill_models import Bill

XIAMEN = dt.timezone(dt.timedelta(hours=8))
LAST_YEAR = 2026
"""The calendar of the next is not published."""
Pair = tuple[int, int]


def local(moment: dt.datetime) -> dt.date:
    return moment.astimezone(XIAMEN).date()


class Recount:
    """Everything read once; `cases` are plain dictionaries."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.special_days = {row.day: row.workday for row in session.scalars(select(CalendarDay))}
        self.versions = {(row.item_slug, row.number): row.content for row in session.scalars(select(ItemVersion))}
        self.division = {row.hall_code: row.division_code for row in session.scalars(select(ExpressOffice))}
        self.all: dict[str, list[Any]] = {
            name: list(session.scalars(select(table)))
            for name, table in (
                ("events", CaseEventRow),
                ("steps", CaseSpecial),
                ("ratings", Rating),
                ("tasks", FollowUp),
                ("bills", Bill),
                ("attempts", Attempt),
                ("shipments", Shipment),
                ("appointments", Appointment),
                ("numbers", Ticket),
                ("arrivals", CheckIn),
                ("messages", CaseMessage),
                ("hours", QueueHour),
            )
        }
        self.kept: dict[tuple[str, str], dict[Any, list[Any]]] = {}
        self.cases = [self.plain(case) for case in session.scalars(select(Case))]

    def having(self, name: str, column: str, value: Any) -> list[Any]:
        """Rows of a table with this value in a column."""
        if (name, column) not in self.kept:
            found = self.kept[name, column] = defaultdict(list)
            for row in self.all[name]:
                found[getattr(row, column)].append(row)
        return self.kept[name, column].get(value, [])

    def works(self, day: dt.date) -> bool:
        return self.special_days.get(day, day.weekday() < 5)

    def plain(self, case: Any) -> dict[str, Any]:
        steps = sorted(self.having("events", "entity_id", case.id), key=lambda one: one.id)
        said = [str(one.event) for one in steps]
        content = self.versions[case.item_slug, case.item_version]
        found: dict[str, Any] = {"row": case, "department": content["department"], "declared": content["visits"]}
        found["state"] = str(case.state)
        ends = [one for one in steps if one.event in ("conclude", "not_accept", "withdraw", "terminate", "lapse")]
        found["closed"] = local(ends[0].at) if ends else None
        found["done"] = "conclude" in said
        found["returned"] = said.count("return") + said.count("correct")
        mine = self.having("shipments", "subject_id", str(case.id))
        papers_mailed = any(one.delivered_at for one in mine if one.direction == "material_in")
        trips = self.trips_by_appointment(case)
        if case.channel in ("window", "partner"):
            trips.add((local(case.submitted_at), case.filed_hall))
        for one in steps:
            staff = one.actor.startswith("staff:")
            if one.event == "receive" and staff and case.channel == "online" and not papers_mailed:
                trips.add((local(one.at), case.hall_code))
            if one.event == "deliver" and (staff or one.reason == "window"):
                trips.add((local(one.at), case.pickup_hall or case.hall_code))
        found["trips"] = len(trips)
        found["way"] = None
        if case.state == "mailed":
            found["way"] = "mail"
        if case.state == "delivered":
            last = [one for one in steps if one.event == "deliver"][-1]
            by_hand = last.actor.startswith("staff:") or last.reason == "window"
            found["way"] = "window" if by_hand else last.reason
        found["paid"] = self.paid(str(case.id))
        found["days"] = self.days(case)
        found["grade"], found["answered"] = self.rated(str(case.id))
        return found

    def trips_by_appointment(self, case: Any) -> set[tuple[dt.date, str]]:
        trips = set()
        for visit in self.having("appointments", "matter_id", case.application_id):
            for one in self.having("arrivals", "appointment_id", visit.id):
                if one.undone_at is None:
                    trips.add((one.day, one.hall_code))
        for number in self.having("numbers", "matter_id", case.application_id):
            if number.state == "done":
                trips.add((number.day, number.hall_code))
        return trips

    def paid(self, subject: str) -> str | None:
        for bill in self.having("bills", "subject_id", subject):
            if bill.subject_type == "case" and bill.paid_at:
                scenes = [one.scene for one in self.having("attempts", "bill_id", bill.id) if one.state == "paid"]
                if bill.paid_via == "other":
                    return "other"
                return "window" if scenes == ["micropay"] else "online"
        return None

    def days(self, case: Any) -> int | None:
        if case.accepted_on is None or case.decided_on is None or case.decided_on.year > LAST_YEAR:
            return None
        paused = set()
        for step in self.having("steps", "case_id", case.id):
            day, left = step.began_on, step.days
            while left:
                day += dt.timedelta(days=1)
                if self.works(day):
                    left -= 1
                    if day <= step.ended_on:
                        paused.add(day)
        day, used = case.accepted_on, 0
        while day < case.decided_on:
            day += dt.timedelta(days=1)
            used += self.works(day) and day not in paused
        return used

    def rated(self, subject: str) -> tuple[int | None, bool | None]:
        for one in self.having("ratings", "subject_id", subject):
            if one.subject_type == "case" and one.invalid_at is None:
                if one.grade > 2:
                    return one.grade, None
                task = next(task for task in self.all["tasks"] if task.rating_id == one.id)
                return one.grade, task.state == "answered" and local(task.state_at) <= task.due_on
        return None, None

    def figures(self, part: list[dict[str, Any]]) -> dict[str, Pair]:
        """Figures of cases that were done."""
        n = len(part)
        timed = [one for one in part if one["days"] is not None]
        used = sum(one["days"] for one in timed)
        feed = [one for one in part if one["paid"]]
        rated = [one for one in part if one["grade"]]
        bad = [one for one in rated if one["grade"] < 3]
        promised = [one["row"] for one in part if one["row"].promise_due_on]
        lawful = [one["row"] for one in part if one["row"].law_due_on]
        return {
            "cases_zero": (sum(one["trips"] == 0 for one in part), n),
            "cases_one": (sum(one["trips"] < 2 for one in part), n),
            "visits_kept": (sum(one["trips"] <= one["declared"] for one in part), n),
            "online": (sum(one["row"].channel == "online" for one in part), n),
            "mailed": (sum(one["way"] == "mail" for one in part), n),
            "paid_online": (sum(one["paid"] == "online" for one in feed), len(feed)),
            "days": (used, len(timed)),
            "days_of_promise": (used, sum(one["row"].promise_days for one in timed)),
            "days_of_law": (used, sum(one["row"].law_days for one in timed)),
            "on_time": (sum(row.decided_on <= row.promise_due_on for row in promised), len(promised)),
            "lawful": (sum(row.decided_on <= row.law_due_on for row in lawful), len(lawful)),
            "satisfied": (sum(one["grade"] > 2 for one in rated), len(rated)),
            "bad_answered": (sum(bool(one["answered"]) for one in bad), len(bad)),
        }

    def waits(self, halls: set[str], first: dt.date, last: dt.date) -> dict[str, Pair]:
        """Waits and missed appointments of these halls, without what was never counted."""
        found: Counter[str] = Counter()
        for hour in self.all["hours"]:
            if hour.hall_code in halls and first <= hour.day <= last:
                found[f"{hour.kind}_wait:n"] += hour.wait_s
                found[f"{hour.kind}_wait:d"] += hour.called
        for one in self.all["appointments"]:
            due = one.state in ("checked_in", "fulfilled", "left", "no_show")
            if due and one.hall_code in halls and first <= one.day <= last:
                found["no_show:n"] += one.state == "no_show"
                found["no_show:d"] += 1
        names = {name.split(":")[0] for name in found}
        return {name: (found[f"{name}:n"], found[f"{name}:d"]) for name in names}
