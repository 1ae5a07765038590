"""Play thousands of days in a hall with the product's own calling order, and report how long people wait.

    python -m scripts.simulate_queue --days 2000 --seed 138 > docs/fairness.md

Every call is checked: nobody without an appointment may be overtaken by a ticket that is due later, unless it was
chosen by name (audited) or resumed at its own window (circular clause 12). Minutes are only reported.
"""

import argparse
import random
import statistics
import sys
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from backend.queueing import ordering
from backend.queueing.ordering import Kind, Waiting

OPENS = datetime(2026, 11, 25, 1, 0, tzinfo=UTC)
DAY_MINUTES = 480
MEAN_STRETCH = 1.25
"""How much longer the average visit is than the usual one, with pauses."""
GROUPS = ("booked", "walk-in", "late", "green")


@dataclass(frozen=True)
class Hall:
    """One day's settings and habits. Probabilities are 0 to 1, times are minutes."""

    windows: int
    guard_every: int
    allowance: int
    late_credit: int
    booked_per_slot: int
    walk_ins: int
    no_show: float
    lateness: float
    green: float
    missed_call: float
    pause: float
    chosen: float
    parked: float
    service: float


@dataclass(order=True)
class Person:
    """Somebody in the line."""

    due_at: datetime
    order: int
    kind: Kind = field(compare=False)
    group: str = field(compare=False)
    arrived: datetime = field(compare=False)
    slot: datetime | None = field(compare=False, default=None)
    returning: bool = field(compare=False, default=False)

    @property
    def waiting(self) -> Waiting:
        return Waiting(self.order, self.kind, self.due_at)


@dataclass
class Outcome:
    """Waits in minutes by group, calls, and what must stay zero."""

    waits: dict[str, list[float]] = field(default_factory=lambda: {group: [] for group in GROUPS})
    calls: int = 0
    overtaken: int = 0
    guard_broken: int = 0
    unserved: int = 0

    def add(self, other: "Outcome") -> None:
        for group in GROUPS:
            self.waits[group] += other.waits[group]
        self.calls += other.calls
        self.overtaken += other.overtaken
        self.guard_broken += other.guard_broken
        self.unserved += other.unserved


def draw_hall(draw: random.Random) -> Hall:
    """Any settings a hall may have, and any habits of its citizens."""
    allowance = draw.randint(0, 60)
    windows = draw.randint(1, 6)
    service = draw.uniform(4, 12)
    load = draw.uniform(0.4, 0.9) * windows * DAY_MINUTES / (service * MEAN_STRETCH)
    share = draw.uniform(0.0, 0.7)
    return Hall(
        windows=windows,
        guard_every=draw.randint(2, 5),
        allowance=allowance,
        late_credit=draw.randint(0, allowance),
        booked_per_slot=round(load * share / 16),
        walk_ins=round(load * (1 - share)),
        no_show=draw.uniform(0, 0.3),
        lateness=draw.uniform(0, 30),
        green=draw.uniform(0, 0.2),
        missed_call=draw.uniform(0, 0.15),
        pause=draw.uniform(0, 0.1),
        chosen=draw.choice([0, 0, 0.02]),
        parked=draw.choice([0, 0.05]),
        service=service,
    )


def arrivals(hall: Hall, draw: random.Random) -> list[Person]:
    """Everybody who comes that day, in order of arrival."""
    people: list[Person] = []
    for slot in range(16):
        for _ in range(hall.booked_per_slot):
            if draw.random() >= hall.no_show:
                minute = slot * 30 + draw.gauss(hall.lateness - 15, 12)
                people.append(_person(hall, draw, len(people), max(-30.0, minute), slot * 30))
    for _ in range(hall.walk_ins):
        # Mornings are fuller than afternoons.
        minute = min(draw.uniform(-10, DAY_MINUTES - 10), draw.uniform(-10, DAY_MINUTES - 10))
        people.append(_person(hall, draw, len(people), minute, None))
    people.sort(key=lambda person: person.arrived)
    return people


def _person(hall: Hall, draw: random.Random, order: int, minute: float, slot: int | None) -> Person:
    arrived = OPENS + timedelta(minutes=minute)
    starts = None if slot is None else OPENS + timedelta(minutes=slot)
    late = starts is not None and arrived > starts + timedelta(minutes=30)
    green = draw.random() < hall.green
    kind = Kind.BOOKED if starts is not None and not late else Kind.WALK_IN
    due = ordering.due_at(
        arrived=arrived,
        slot_start=starts,
        late=late,
        green=green,
        allowance=timedelta(minutes=hall.allowance),
        late_credit=timedelta(minutes=hall.late_credit),
    )
    group = "green" if green else "late" if late else "booked" if kind is Kind.BOOKED else "walk-in"
    return Person(due, order, kind, group, arrived, starts)


def play(hall: Hall, draw: random.Random) -> Outcome:
    """One day, minute by minute, until the line is empty or two hours after closing."""
    coming, line, parked = arrivals(hall, draw), list[Person](), list[tuple[datetime, Person]]()
    busy_until = [OPENS] * hall.windows
    run, result = 0, Outcome()
    now, last = OPENS, OPENS + timedelta(minutes=DAY_MINUTES + 120)
    while now < last and (coming or line or parked):
        while coming and coming[0].arrived <= now:
            line.append(coming.pop(0))
        for window in range(hall.windows):
            if busy_until[window] > now:
                continue
            if draw.random() < hall.pause:
                busy_until[window] = now + timedelta(minutes=draw.uniform(5, 20))
                continue
            if parked and parked[0][0] <= now:
                busy_until[window] = now + _service(hall, draw)
                parked.pop(0)
                continue
            if line:
                run = _call(hall, draw, line, parked, now, run, result)
                busy_until[window] = now + _service(hall, draw)
        now += timedelta(minutes=1)
    result.unserved += len(line)
    return result


def _call(
    hall: Hall,
    draw: random.Random,
    line: list[Person],
    parked: list[tuple[datetime, Person]],
    now: datetime,
    run: int,
    result: Outcome,
) -> int:
    """Call somebody; returns the guard's count afterwards."""
    if draw.random() < hall.chosen:
        _serve(draw.choice(line), line, now, result)
        return run
    found = ordering.next_of([person.waiting for person in line], booked_run=run, guard_every=hall.guard_every)
    person = next(one for one in line if found is not None and one.order == found.order)
    walk_in_waits = any(one.kind is Kind.WALK_IN for one in line)
    result.overtaken += sum(1 for one in line if one.kind is Kind.WALK_IN and one < person)
    run = ordering.run_after(person.kind, booked_run=run, walk_in_waits=walk_in_waits)
    result.guard_broken += run >= hall.guard_every
    if not person.returning and draw.random() < hall.missed_call:
        # Nobody came; the person is back soon and joins after three others.
        after = sorted(one for one in line if one is not person)[:3]
        person.due_at = max([now, *(one.due_at + timedelta(microseconds=1) for one in after)])
        person.returning = True
        return run
    _serve(person, line, now, result)
    if draw.random() < hall.parked:
        parked.append((now + timedelta(minutes=draw.uniform(5, 30)), person))
    return run


def _serve(person: Person, line: list[Person], now: datetime, result: Outcome) -> None:
    line.remove(person)
    result.calls += 1
    since = max(person.arrived, person.slot) if person.group == "booked" and person.slot else person.arrived
    result.waits[person.group].append(max(0.0, (now - max(since, OPENS)).total_seconds() / 60))


def _service(hall: Hall, draw: random.Random) -> timedelta:
    return timedelta(minutes=max(1.0, draw.lognormvariate(0, 0.5) * hall.service))


def simulate(days: int, seed: int) -> Outcome:
    """`days` days with settings and habits of their own."""
    total = Outcome()
    for day in range(days):
        draw = random.Random(f"{seed}:{day}")
        total.add(play(draw_hall(draw), draw))
    return total


def report(days: int, seed: int) -> str:
    """The result as a page of `docs/`."""
    found = simulate(days, seed)
    lines = [
        "# Fairness of the calling order",
        "",
        f"{days} simulated days with random settings and habits (windows, guard, allowance, bookings, walk-ins,",
        "lateness, no-shows, pauses, missed calls, parked and chosen numbers), with the product's own calling order:",
        f"`python -m scripts.simulate_queue --days {days} --seed {seed}`.",
        "",
        f"- calls: {found.calls}",
        f"- walk-ins overtaken by a ticket due later: **{found.overtaken}** (must be 0)",
        f"- booked calls in a row beyond the guard while walk-ins waited: **{found.guard_broken}** (must be 0)",
        f"- still in line two hours after closing: {found.unserved}",
        "",
        "Minutes of waiting, over all days (booked: from the slot's start or arrival, whichever is later; others: from",
        "arrival). They depend on how full the days are drawn; compare the rows, not the figures.",
        "",
        "| Group | People | Median | 90 % | 99 % | Longest |",
        "| --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    for group in GROUPS:
        waits = sorted(found.waits[group])
        cuts = statistics.quantiles(waits, n=100) if len(waits) > 1 else [0.0] * 99
        figures = f"{cuts[49]:.0f} | {cuts[89]:.0f} | {cuts[98]:.0f} | {max(waits, default=0):.0f}"
        lines.append(f"| {group} | {len(waits)} | {figures} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Print the report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--days", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=138)
    arguments = parser.parse_args()
    sys.stdout.write(report(arguments.days, arguments.seed))


if __name__ == "__main__":
    main()
