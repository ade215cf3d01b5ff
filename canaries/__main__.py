"""``python -m canaries``: play every path with markers in everything, and search whatever is told."""

import argparse
import sys
from functools import partial
from pathlib import Path

from canaries import runs
from faults.report import Report, table, write_json

RECORDS = 1_000_000
ON_THE_REAL_ONE = 60  # of each group of paths


def main(arguments: list[str] | None = None) -> int:
    """Return 0 when nothing leaked and every planted leak was found, 1 otherwise."""
    asked = _parse(arguments)
    reports: list[Report] = []
    for part in (
        partial(runs.of_plants, asked.seed),
        partial(runs.on_the_mock, asked.seed),
        partial(runs.on_the_real_one, asked.seed, ON_THE_REAL_ONE),
        partial(runs.of_the_command, asked.seed),
        partial(runs.of_events, asked.seed, asked.records),
    ):
        reports.append(part())
        print("\n" + table(reports[-1]), flush=True)
    write_json(reports, asked.json)
    print(f"\n{sum(len(report.failures) for report in reports)} failures; written to {asked.json}")
    return 0 if all(report.good for report in reports) else 1


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m canaries", description=__doc__)
    parser.add_argument("--records", type=int, default=RECORDS, help="records of events (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="what the markers derive from (default: %(default)s)")
    parser.add_argument("--json", type=Path, default=Path(".canaries/report.json"), help="default: %(default)s")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
