"""What plugins said of the hosts of a round, for as long as it holds.

A batch asks the same plugins about the same hosts again and again, and an instance that is placed changes a host or
two. A plugin that is ``per_host`` is asked again about those alone, and one that is asked once a request not at all.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial

import numpy as np
from msgspec import Struct

from scheduler.filters import AnyFilter, CandidateFilter, Filter, judges_candidates
from scheduler.hosts.arrays import BoolArray, IntArray
from scheduler.hosts.table import HostTable
from scheduler.model import FilterStep, RequestSpec
from scheduler.selection.plugins import is_per_host, judged, kept_by
from scheduler.selection.weighing import Panel, Weights, panel_of, reweigh, weigh_with
from scheduler.weighers import Weighed

Settled = Mapping[str, BoolArray]
"""Answers, by name, of the filters that are asked once a request: over all rows, or over all candidates."""

Wanted = Sequence[tuple[AnyFilter, bool]]
"""Filters in order, and whether the request concerns each."""

Ask = Callable[[IntArray], BoolArray]


class Answers:
    """What a filter said of each host; it is asked about one when that is first looked at."""

    def __init__(self, hosts: int) -> None:
        self._said = np.zeros(hosts, dtype=np.bool_)
        self._known = np.zeros(hosts, dtype=np.bool_)

    def of(self, hosts: IntArray, ask: Ask) -> BoolArray:
        """Return what is said of these hosts; ``ask`` says it of those that are not known."""
        if len(hosts) == len(self._said) and not self._known.any():
            self._said[hosts] = said = ask(hosts)
            self._known[:] = True
            return said
        unknown = hosts[~self._known[hosts]]
        if unknown.size:
            self._said[unknown], self._known[unknown] = ask(unknown), True
        return self._said[hosts]

    def renew(self, hosts: IntArray, ask: Ask) -> bool:
        """Ask again about those of these hosts that are known, and tell whether anything else is said now."""
        known = hosts[self._known[hosts]]
        if not known.size:
            return False
        before = self._said[known]
        self._said[known] = ask(known)
        return bool((before != self._said[known]).any())


class Filtered(Struct, frozen=True, eq=False):
    """What the filters left: ``kept`` are rows (k,) of ``hosts``, all n hosts without the candidates they dropped.

    ``stands_for`` is the fingerprint of the rows.
    """

    kept: IntArray
    hosts: HostTable
    steps: tuple[FilterStep, ...]
    stands_for: int


class _Weighing(Struct, eq=False):
    """The weights of some hosts when so many instances of the batch had been placed."""

    hosts: IntArray
    weights: Weights
    placed: int


class Memory:
    """The answers of one round, which belong to its request, its table, and the tables of the instances after it.

    ``wanted`` are its filters in order, and whether the request concerns them; ``lasts`` tells whether what all of
    these say holds for hosts on which nothing is placed, and ``filtered`` is what they left for the last instance then.
    """

    def __init__(self, wanted: Wanted = (), settled: Settled | None = None) -> None:
        self.wanted = wanted
        self.settled = settled or {}
        self.lasts = all(self._lasts(plugin) for plugin, concerns in wanted if concerns)
        self._answers: dict[str, tuple[Filter, Answers]] = {}
        self._placed = 0
        self.filtered: Filtered | None = None
        self._panel: Panel | None = None
        self._weighed: _Weighing | None = None

    def _lasts(self, plugin: AnyFilter) -> bool:
        return not judges_candidates(plugin) and (plugin.name in self.settled or is_per_host(plugin))

    def answer(self, plugin: AnyFilter, request: RequestSpec, hosts: HostTable, rows: IntArray) -> BoolArray:
        """Return which of these rows pass a filter, shape of ``rows``; or which of all candidates one keeps."""
        settled = self.settled.get(plugin.name)
        if judges_candidates(plugin):
            return kept(plugin, request, hosts, rows) if settled is None else settled
        if settled is not None:
            return settled[rows]
        ask = partial(_judged_at, plugin, request, hosts)
        if not is_per_host(plugin):
            return ask(hosts.hosts[rows])
        _, answers = self._answers.setdefault(plugin.name, (plugin, Answers(hosts.size)))
        return answers.of(hosts.hosts[rows], ask)

    def renew(self, request: RequestSpec, hosts: HostTable) -> bool:
        """Ask filters again about hosts on which something was placed, and tell whether any says something else now."""
        touched, self._placed = hosts.touched[self._placed :], len(hosts.touched)
        changed = [
            answers.renew(there, partial(_judged_at, plugin, request, hosts))
            for there in touched
            for plugin, answers in self._answers.values()
        ]
        return any(changed)

    def weigh(self, weighers: Sequence[Weighed], request: RequestSpec, hosts: HostTable) -> Weights:
        """Return the weights of these hosts; they hold until the next instance is weighed."""
        last = self._weighed
        if last is None or not np.array_equal(last.hosts, hosts.hosts):
            panel = self._panel = self._panel or panel_of(weighers, request)
            weights = weigh_with(panel, request, hosts)
            lasting = all(is_per_host(one.weigher) for one in panel.weighers)
            self._weighed = _Weighing(hosts.hosts, weights, len(hosts.touched)) if lasting else None
            return weights
        for touched in hosts.touched[last.placed :]:
            reweigh(last.weights, request, hosts, hosts.rows_of(touched))
        last.placed = len(hosts.touched)
        return last.weights


def _judged_at(plugin: Filter, request: RequestSpec, hosts: HostTable, asked: IntArray) -> BoolArray:
    return judged(plugin, request, hosts.at(asked))


def kept(plugin: CandidateFilter, request: RequestSpec, hosts: HostTable, rows: IntArray) -> BoolArray:
    """Ask a filter about the candidates of these rows; its answer over all candidates, True for those of others."""
    asked, answer = hosts.take(rows), np.ones(hosts.candidate_count, dtype=np.bool_)
    answer[asked.candidates] = kept_by(plugin, request, asked)
    return answer
