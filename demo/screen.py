"""What people see: a progress bar on a terminal, plain lines elsewhere, and the summary."""

import importlib.util
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TypeVar

from demo import figures
from demo.proof import Proof, Provider
from demo.run import Answer

T = TypeVar("T")
_LINE_EVERY = 50


def shown(title: str, items: Iterable[T], total: int, words: Callable[[T], str] | None = None) -> Iterator[T]:
    """Yield the items while showing how many there were, and the words for the latest."""
    show = _bar if sys.stdout.isatty() and importlib.util.find_spec("rich") else _lines
    return show(title, items, total, words or (lambda item: ""))


def _bar(title: str, items: Iterable[T], total: int, words: Callable[[T], str]) -> Iterator[T]:
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn  # noqa: PLC0415  (an extra)

    columns = [TextColumn("{task.description:<12}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()]
    with Progress(*columns, TextColumn("{task.fields[words]}")) as progress:
        task = progress.add_task(title, total=total, words="")
        for done, item in enumerate(items, 1):
            yield item
            progress.update(task, completed=done, total=max(done, total), words=words(item))


def _lines(title: str, items: Iterable[T], total: int, words: Callable[[T], str]) -> Iterator[T]:
    for done, item in enumerate(items, 1):
        yield item
        latest = words(item)
        if done % _LINE_EVERY == 0 or done == total:
            print(f"{title:<12} {done:4}  {latest}".rstrip(), flush=True)


class Tally:
    """Counts answers while they come."""

    def __init__(self) -> None:
        self._placed = 0
        self._refused = 0

    def __call__(self, answer: Answer) -> str:
        """Count one answer and return the counts in words."""
        if answer.placed:
            self._placed += 1
        else:
            self._refused += 1
        return f"{self._placed} placed, {self._refused} refused"


def summary(answers: Sequence[Answer], providers: Sequence[Provider], seconds: float) -> Iterator[str]:
    """Yield the lines of the summary."""
    placed = [answer for answer in answers if answer.placed]
    refused = [answer for answer in answers if not answer.placed]
    yield f"requests      {len(answers)} in {seconds:.0f} s, {figures.instances(answers)} instances"
    yield from _share("placed", placed)
    yield from _share("refused", refused)
    yield f"calls         {figures.calls(answers):.2f} to Placement for a request, probes included"
    yield f"              {figures.calls(figures.first_round(answers)):.2f} for one placed at the first attempt"
    for name, (used, capacity) in figures.utilisation(providers).items():
        yield f"{name:<13} {used:,} of {capacity:,} in use, {used / capacity:.0%}"
    for times, words in figures.reasons(refused, at_most=5):
        yield f"refused {times:>4}x {words}"


def _share(title: str, answers: Sequence[Answer]) -> Iterator[str]:
    took = figures.latency(answers)
    yield (
        f"{title:<13} {len(answers)} requests, {figures.instances(answers)} instances; "
        f"p50 {took.p50:.0f} ms, p99 {took.p99:.0f} ms"
    )


def proof_lines(proofs: Sequence[Proof]) -> Iterator[str]:
    """Yield one line for each statement."""
    for proof in proofs:
        yield f"PROOF {'ok  ' if proof.holds else 'FAIL'} {proof.statement}"
