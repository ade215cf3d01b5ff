"""``python -m benchmarks.rules``: what every filter and weigher costs at 1,000 and 10,000 hosts, beside Nova's.

Nova is asked where a Python that has it is found (``--nova``); ours and Nova's are measured in turns.
"""

import argparse
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from statistics import median

from benchmarks import results
from benchmarks.ours import Rule, answered_anew, facts_anew, rules, seconds, table
from benchmarks.peer import Peer, peer
from faults import environments
from scheduler.hosts import HostTable

SIZES = (1_000, 10_000)
SAMPLES = 9
NOVA = results.ROOT / environments.NOVA / "bin" / "python"

Tell = Callable[[results.Figure], None]


def measured(sizes: Sequence[int], samples: int, nova: Peer | None, tell: Tell) -> results.Results:
    """Measure every rule at these sizes; ``tell`` is called with each figure."""
    figures = [figure for size in sizes for figure in _at(size, samples, nova, tell)]
    return results.Results(samples=samples, machine=results.machine(), figures=tuple(figures))


def _at(size: int, samples: int, nova: Peer | None, tell: Tell) -> Iterator[results.Figure]:
    hosts = table(size)
    if nova:
        nova.load(size)
    for rule in rules():
        figure = _figure(rule, hosts, samples, nova)
        tell(figure)
        yield figure


def _figure(rule: Rule, hosts: HostTable, samples: int, nova: Peer | None) -> results.Figure:
    rule.ask(hosts)  # warm
    theirs: list[float] = []
    request, again, facts = [], [], []
    for _ in range(samples):
        request.append(seconds(rule.ask, lambda: answered_anew(hosts)))
        again.append(seconds(rule.ask, lambda: hosts))
        facts.append(seconds(rule.ask, lambda: facts_anew(hosts)))
        rule.ask(hosts)
        spent = nova.seconds(rule.name) if nova else None
        theirs += [] if spent is None else [spent]
    return results.Figure(
        rule=rule.name,
        kind=rule.kind,
        hosts=len(hosts),
        request=_ms(request),
        again=_ms(again),
        facts=_ms(facts),
        nova=_ms(theirs) if theirs else None,
    )


def _ms(spent: Sequence[float]) -> float:
    return round(median(spent) * 1000, 4)


def _tell(figure: results.Figure) -> None:
    nova = "" if figure.nova is None else f"   Nova {figure.nova:9.2f} ms"
    print(f"{figure.hosts:6} hosts  {figure.rule:36} {figure.request:9.4f} ms{nova}", flush=True)


def main() -> None:
    """Measure, print, and keep the figures."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.rules", description=__doc__)
    parser.add_argument("--nova", type=Path, default=NOVA, help="a Python that has nova installed")
    parser.add_argument("--samples", type=int, default=SAMPLES)
    wanted = parser.parse_args()
    with peer(wanted.nova) as nova:
        if nova is None:
            print(f"NOVA WAS NOT ASKED: there is no {wanted.nova}")
        found = measured(SIZES, wanted.samples, nova, _tell)
    results.FILE.write_text(results.text_of(found), encoding="utf-8")
    page = results.PAGE.read_text(encoding="utf-8")
    results.PAGE.write_text(results.within(page, found), encoding="utf-8")


if __name__ == "__main__":
    main()
