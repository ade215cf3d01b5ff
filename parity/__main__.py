"""``python -m parity``: every rule of Nova and ours on the same cases; one line a rule, exit status 1 on a surprise."""

import argparse
import sys
from collections.abc import Sequence

from faults.environments import CannotInstall, nova_installed
from parity.nova import Nova, started
from parity.record import record
from parity.report import in_words, left_out, table
from parity.rules import RULES, Rule
from parity.shrink import shrunk
from parity.tally import Tally, tally_of

SHOWN = 5
"""Unlisted differences that are shown of one rule."""


def main(arguments: list[str] | None = None) -> int:
    """Return 0 when all differences are listed, 1 when one is not, 2 when Nova cannot be had, 130 after Ctrl-C."""
    asked = _parse(arguments)
    try:
        with started(nova_installed()) as nova:
            return _recorded(nova) if asked.record else _compared(nova, _wanted(asked.rule), asked.cases)
    except CannotInstall as error:
        print(f"Nova could not be installed: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("Interrupted.", file=sys.stderr)
        return 130


def _recorded(nova: Nova) -> int:
    for line in record(nova):
        print(line)
    return 0


def _compared(nova: Nova, rules: Sequence[Rule], cases: int | None) -> int:
    tallies = []
    for rule in rules:
        tallies.append(tally_of(rule, nova, rule.usual if cases is None else cases))
        print(f"{rule.kind} {rule.name}: {tallies[-1].cases} cases", file=sys.stderr, flush=True)
    print(table(tallies))
    print(left_out())
    for tally in tallies:
        _show(tally, nova)
    return int(any(tally.unlisted for tally in tallies))


def _show(tally: Tally, nova: Nova) -> None:
    for one in tally.unlisted[:SHOWN]:
        print("\n".join(in_words(one, shrunk(one.case, nova))))


def _wanted(name: str | None) -> list[Rule]:
    return [rule for rule in RULES if name in (None, rule.name)]


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m parity", description=__doc__)
    parser.add_argument("--rule", choices=[rule.name for rule in RULES], metavar="RULE", help="compare one rule alone")
    parser.add_argument("--cases", type=int, help="cases a rule (default: 1000, and 10000 whole decisions)")
    parser.add_argument("--record", action="store_true", help="write what tests/parity compares without Nova")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
