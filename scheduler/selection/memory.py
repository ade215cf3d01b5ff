"""What plugins said of the hosts of a round, for as long as it holds.

A batch asks the same plugins about the same hosts again and again, and an instance that is placed changes a host or
two. A plugin that is ``per_host`` is asked again about those alone, and one that is asked once a request not at all.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from scheduler.filters import AnyFilter, CandidateFilter, judges_candidates
from scheduler.hosts.arrays import AnyArray, BoolArray, IntArray
from scheduler.hosts.table import HostTable
from scheduler.model import RequestSpec
from scheduler.selection.plugins import is_per_host, judged, kept_by
from scheduler.selection.weighing import Weights, reweigh, weigh_hosts
from scheduler.weighers import Weighed

Settled = Mapping[str, BoolArray]
"""Answers, by name, of the filters that are asked once a request: over all rows, or over all candidates."""

Ask = Callable[[IntArray], AnyArray]


class Answers:
    """What was said of each host, along the last axis; each is asked about when it is first looked at."""

    def __init__(self, shape: tuple[int, ...], kind: type[np.generic]) -> None:
        self._said: AnyArray = np.zeros(shape, dtype=kind)
        self._known = np.zeros(shape[-1], dtype=np.bool_)

    def of(self, hosts: IntArray, ask: Ask) -> AnyArray:
        """Return what is said of these hosts; ``ask`` says it of those that are not known."""
        unknown = hosts[~self._known[hosts]]
        if unknown.size:
            self._said[..., unknown] = ask(unknown)
            self._known[unknown] = True
        return self._said[..., hosts]

    def forget(self, hosts: IntArray) -> None:
        """Ask about these hosts again when they are next looked at."""
        self._known[hosts] = False


@dataclass(slots=True, eq=False)
class _Weighing:
    """The weights of some hosts when so many instances of the batch had been placed."""

    hosts: IntArray
    weights: Weights
    placed: int


class Memory:
    """The answers of one round, which belong to its request, its table, and the tables of the instances after it."""

    def __init__(self, settled: Settled | None = None) -> None:
        self.settled = settled or {}
        self._answers: dict[str, Answers] = {}
        self._placed = 0
        self._weighed: _Weighing | None = None

    def answer(self, plugin: AnyFilter, request: RequestSpec, hosts: HostTable, rows: IntArray) -> BoolArray:
        """Return which of these rows pass a filter, shape of ``rows``; or which of all candidates one keeps."""
        settled = self.settled.get(plugin.name)
        if judges_candidates(plugin):
            return kept(plugin, request, hosts, rows) if settled is None else settled
        if settled is not None:
            return settled[rows]
        asked = hosts.hosts[rows]
        if not is_per_host(plugin):
            return judged(plugin, request, hosts.at(asked))
        answers = self._of(f"filter {plugin.name}", (hosts.size,), np.bool_, hosts)
        return answers.of(asked, lambda unknown: judged(plugin, request, hosts.at(unknown)))

    def weigh(self, weighers: Sequence[Weighed], request: RequestSpec, hosts: HostTable) -> Weights:
        """Return the weights of these hosts; they hold until the next instance is weighed."""
        last = self._weighed
        if last is None or not np.array_equal(last.hosts, hosts.hosts):
            weights = weigh_hosts(weighers, request, hosts)
            lasting = all(is_per_host(weighers[position].weigher) for position in weights.asked)
            self._weighed = _Weighing(hosts.hosts, weights, len(hosts.touched)) if lasting else None
            return weights
        for touched in hosts.touched[last.placed :]:
            reweigh(last.weights, weighers, request, hosts, hosts.rows_of(touched))
        last.placed = len(hosts.touched)
        return last.weights

    def _of(self, name: str, shape: tuple[int, ...], kind: type[np.generic], hosts: HostTable) -> Answers:
        """Return the answers kept under a name, without those that the instances placed since have changed."""
        for touched in hosts.touched[self._placed :]:
            for answers in self._answers.values():
                answers.forget(touched)
        self._placed = len(hosts.touched)
        if name not in self._answers:
            self._answers[name] = Answers(shape, kind)
        return self._answers[name]


def kept(plugin: CandidateFilter, request: RequestSpec, hosts: HostTable, rows: IntArray) -> BoolArray:
    """Ask a filter about the candidates of these rows; its answer over all candidates, True for those of others."""
    asked, answer = hosts.take(rows), np.ones(hosts.candidate_count, dtype=np.bool_)
    answer[asked.candidates] = kept_by(plugin, request, asked)
    return answer
