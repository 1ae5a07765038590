"""Figures → medians, ratios, JSON and one table."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any

from tests.bench.clients import Failed, Measured

RESULTS = Path(__file__).parent.parent.parent / "bench" / "results"


def summary(rounds: Sequence[Measured]) -> dict[str, Any]:
    """Median rate and latencies of the same measurement in several rounds."""
    rates = [measured.per_second for measured in rounds]
    seconds = sorted(second for measured in rounds for second in measured.seconds)
    return {
        "per_second": round(median(rates), 1),
        "per_second_by_round": [round(rate, 1) for rate in rates],
        "operations": len(seconds),
        "web_cpu_ms": round(1000 * median(one.web_cpu_s / one.acknowledged for one in rounds), 3),
        "database_cpu_ms": round(1000 * median(one.database_cpu_s / one.acknowledged for one in rounds), 3),
        "ms": {f"p{share}": ms(seconds, share) for share in (50, 95, 99)},
    }


def cpu_s_each(measured: Measured) -> float:
    """Processor time of web workers and PostgreSQL for one operation: what the idle machine's rate depends on."""
    return (measured.web_cpu_s + measured.database_cpu_s) / measured.acknowledged


def cpu_ratios(ours: Sequence[Measured], baseline: Sequence[Measured]) -> list[float]:
    """The same from processor time, which other programs on the machine disturb less than rates."""
    return [cpu_s_each(other) / cpu_s_each(mine) for mine, other in zip(ours, baseline, strict=True)]


def ms(seconds: Sequence[float], share: int) -> float:
    """Milliseconds within which that share of the sorted latencies lies, in percent."""
    if not seconds:
        raise Failed("no operation ended within its window")
    return round(1000 * seconds[len(seconds) * share // 100], 2)


def ratios(ours: Sequence[Measured], baseline: Sequence[Measured]) -> list[float]:
    """Ours against the baseline, round by round, so that what slows the machine slows both."""
    return [mine.per_second / other.per_second for mine, other in zip(ours, baseline, strict=True)]


def ratio_summary(found: Sequence[float], target: float | None = None) -> dict[str, Any]:
    """Median of the rounds' ratios, their range, and the target if there is one."""
    body: dict[str, Any] = {
        "median": round(median(found), 3),
        "lowest": round(min(found), 3),
        "highest": round(max(found), 3),
    }
    return body if target is None else {**body, "target": target, "met": median(found) >= target}


def write(name: str, body: Mapping[str, Any]) -> None:
    """bench/results/NAME.json."""
    RESULTS.mkdir(parents=True, exist_ok=True)
    (RESULTS / f"{name}.json").write_text(json.dumps(body, indent=1, ensure_ascii=False) + "\n")


def table(title: str, rates: Mapping[str, Mapping[str, Any]], found: Mapping[str, Mapping[str, Any]]) -> str:
    """The same for people: a line a measurement, a line a ratio."""
    lines = [title, f"  {'':44}{'per second':>11}{'web cpu':>9}{'db cpu':>9}{'p50 ms':>9}{'p95 ms':>9}{'p99 ms':>9}"]
    for name, row in rates.items():
        latencies = ""
        if "ms" in row:
            latencies = f"{row['web_cpu_ms']:>9.2f}{row['database_cpu_ms']:>9.2f}" + "".join(
                f"{row['ms'][share]:>9.1f}" for share in row["ms"]
            )
        lines.append(f"  {name:44}{row['per_second']:>11.0f}{latencies}")
    for name, row in found.items():
        goal = f"   target {row['target']}: {'met' if row['met'] else 'MISSED'}" if "target" in row else ""
        lines.append(f"  ratio {name:38}{row['median']:>11.2f}  ({row['lowest']:.2f} to {row['highest']:.2f}){goal}")
    return "\n".join(lines)
