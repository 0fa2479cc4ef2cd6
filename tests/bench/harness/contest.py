"""A contest: contestants that do the same work, measured in turns."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from harness import stats
from harness.process import ProgramFailed


@dataclass
class Contestant:
    name: str
    measure: Callable[[], dict[str, float]]
    # Ratio column -> the name of the contestant it is formed with.
    against: Mapping[str, str] = field(default_factory=dict)
    missing: str | None = None  # why it can't take part here


@dataclass(frozen=True)
class Column:
    """A metric as it is shown: its median, and its minimum where asked for."""

    metric: str
    heading: str
    scale: float = 1.0
    digits: int = 1
    minimum: bool = False


@dataclass(frozen=True)
class RatioColumn:
    heading: str
    against: str  # a key of Contestant.against
    metric: str


@dataclass
class Contest:
    title: str
    contestants: list[Contestant]
    columns: list[Column]
    ratios: list[RatioColumn]
    notes: list[str] = field(default_factory=list)


@dataclass
class Row:
    contestant: Contestant
    samples: list[dict[str, float] | None]
    problem: str | None  # missing, or failed in every repetition or in some


def run(contest, repeat, progress):
    """Every contestant once, then again, `repeat` times: A B C A B C …"""
    rows = [Row(contestant, [], contestant.missing) for contestant in contest.contestants]
    for repetition in range(repeat):
        for row in rows:
            if row.contestant.missing:
                continue
            progress(f"{contest.title}: {repetition + 1}/{repeat} {row.contestant.name}")
            try:
                row.samples.append(row.contestant.measure())
            except ProgramFailed as failure:
                row.samples.append(None)
                row.problem = f"failed: {failure}"
    return rows


def ratio_of(rows, row, column):
    """None where the row has no such peer, or the peer has no samples."""
    peer = next((r for r in rows if r.contestant.name == row.contestant.against.get(column.against)), None)
    return peer and stats.ratio(row.samples, peer.samples, column.metric)


def as_json(contest, rows):
    metrics = dict.fromkeys(column.metric for column in contest.columns)
    return {
        "title": contest.title,
        "notes": contest.notes,
        "rows": [
            {
                "name": row.contestant.name,
                "problem": row.problem,
                "metrics": {metric: stats.summary(row.samples, metric) for metric in metrics},
                "ratios": {column.heading: ratio_of(rows, row, column) for column in contest.ratios},
                "samples": row.samples,
            }
            for row in rows
        ],
    }
