"""The table that a run prints: one line a rule."""

import json
from collections.abc import Iterable, Iterator, Sequence

from parity.case import Case
from parity.compare import Disagreement
from parity.tally import Tally

HEAD = ("rule", "cases", "judged", "passed", "listed", "unlisted", "listed differences")

LEFT_OUT = (
    "NUMATopologyFilter and PciPassthroughFilter: not here yet.",
    "Hosts without facts: Nova has no such hosts.",
    "Rooms in which facts and provider summaries disagree: here Placement says what room there is.",
    "Decisions for which a host has too little room: Nova finds out when it claims, after weighing.",
    "Order of hosts of equal weight: both sides are asked in the order of the provider UUIDs, for each instance.",
    "shuffle_best_same_weighed_hosts and host_subset_size: draws; tests/randomness is about them.",
    "Rebuilds: the operation is not part of a request here.",
    "Options that are refused at the start: malformed weight_setting and image_props_weight_setting.",
    "PCI devices by alias: the groups of Nova have random names.",
    "Metrics in percent: Nova rounds them to whole numbers; all cases have whole numbers.",
)
"""What no case has, and why."""


def table(tallies: Iterable[Tally]) -> str:
    """Return one line a rule, and the totals."""
    known = list(tallies)
    rows = [HEAD, *map(_row, known), _total(known)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEAD) - 1)]
    return "\n".join(_line(row, widths) for row in rows)


def _row(tally: Tally) -> tuple[str, ...]:
    names = ", ".join(f"{name} {count}" for name, count in sorted(tally.listed.items()))
    share = f"{100 * tally.passed / tally.judged:.0f} %" if tally.judged else "-"
    counts = (tally.cases, tally.judged, share, tally.listed.total(), len(tally.unlisted))
    return (tally.rule.name, *map(str, counts), names)


def _total(tallies: Sequence[Tally]) -> tuple[str, ...]:
    cases, judged = sum(one.cases for one in tallies), sum(one.judged for one in tallies)
    listed, unlisted = sum(one.listed.total() for one in tallies), sum(len(one.unlisted) for one in tallies)
    return (f"{len(tallies)} rules", str(cases), str(judged), "", str(listed), str(unlisted), "")


def _line(row: Sequence[str], widths: Sequence[int]) -> str:
    first, *counts = (
        cell.ljust(width) if at == 0 else cell.rjust(width)
        for at, (cell, width) in enumerate(zip(row, widths, strict=False))
    )
    return "  ".join((first, *counts, row[-1])).rstrip()


def left_out() -> str:
    """Return what no case has."""
    return "\n".join(("Left out:", *(f"  {line}" for line in LEFT_OUT)))


def in_words(one: Disagreement, case: Case) -> Iterator[str]:
    """Yield lines about a disagreement that is not listed, with the smallest case that shows it."""
    yield f"{one.case['rule']}: Nova {json.dumps(one.theirs)}, ours {json.dumps(one.ours)}, host {one.position}"
    yield f"  {json.dumps(case)}"
