"""A contest's rows as a table of text."""

from harness import stats
from harness.contest import ratio_of

ABSENT = "-"


def render(contest, rows):
    headings = [""]
    for column in contest.columns:
        headings += [column.heading, "min"] if column.minimum else [column.heading]
    headings += [column.heading for column in contest.ratios]

    lines = [headings]
    for row in rows:
        if any(sample is not None for sample in row.samples):
            lines.append([row.contestant.name, *metric_cells(contest, row), *ratio_cells(contest, rows, row)])
        else:
            lines.append([row.contestant.name])
    widths = [max(len(line[i]) for line in lines if i < len(line)) for i in range(len(headings))]

    yield contest.title
    for line, row in zip(lines, [None, *rows]):
        first, *cells = (cell.rjust(width) for cell, width in zip(line, widths))
        text = "  ".join([first.strip().ljust(widths[0]), *cells])
        yield "  " + (f"{text}  ({row.problem})" if row and row.problem else text.rstrip())
    for note in contest.notes:
        yield f"  * {note}"


def metric_cells(contest, row):
    for column in contest.columns:
        found = stats.summary(row.samples, column.metric)
        for value in ("median", "min") if column.minimum else ("median",):
            yield f"{found[value] * column.scale:.{column.digits}f}" if found else ABSENT


def ratio_cells(contest, rows, row):
    for column in contest.ratios:
        ratio = ratio_of(rows, row, column)
        yield ABSENT if ratio is None else f"{ratio:.2f}"
