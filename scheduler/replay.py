"""The same decision again, from its record alone: the functions of the flow, without Placement, journal or clock."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

import msgspec
from msgspec import Struct

from scheduler.explain.outcomes import answer_to, code_of
from scheduler.hosts import HostTable, table_of
from scheduler.model import DecisionRecord, InstanceDecision, Round, RoundInputs
from scheduler.model.inputs import Inputs
from scheduler.randomness import RandomStream
from scheduler.selection import Plan, Plugins, alternates_of, plan_batch, plugins_for, rank_hosts

SHOWN = 200
"""Characters of a value that a difference shows."""

_SEED = re.compile(r"([0-9a-f]{2})+")


class Difference(Struct, frozen=True):
    """A place where a record and what stands against it differ, and what either says there."""

    where: str
    recorded: str
    found: str


class Replayed(Struct, frozen=True, kw_only=True):
    """What a replay came to.

    ``difference`` is the first one, ``problem`` says why a replay is impossible. ``changes`` are the settings and
    versions in use that are not those of the record.
    """

    request_id: str
    verdict: Literal["identical", "different", "impossible"]
    rounds: int = 0
    instances: int = 0
    difference: Difference | None = None
    problem: str = ""
    changes: tuple[Difference, ...] = ()


def replay(record: DecisionRecord, plugins: Plugins) -> Replayed:
    """Decide again what a record says was decided, with these plugins, and compare bit by bit."""
    told = partial(Replayed, request_id=record.request_id)
    problem = _lacking(record)
    if problem:
        return told(verdict="impossible", problem=problem)
    again = decided_again(record, plugins)
    difference = next(_differences("rounds", msgspec.to_builtins(record.rounds), msgspec.to_builtins(again)), None)
    return told(
        verdict="different" if difference else "identical",
        rounds=len(again),
        instances=sum(len(one.instances) for one in again),
        difference=difference,
        changes=changes(record, plugins),
    )


def decided_again(record: DecisionRecord, plugins: Plugins) -> tuple[Round, ...]:
    """Return the rounds of a record as they are decided now; rounds without inputs, where nothing was, as they are."""
    if record.inputs is None:
        return record.rounds
    deciding = plugins_for(plugins, record.inputs.operation)
    again = _Again(record, record.inputs, deciding, RandomStream(bytes.fromhex(record.seed)))
    given = zip(record.rounds, record.inputs.rounds, strict=True)
    return tuple(again.round(recorded, inputs) if inputs else recorded for recorded, inputs in given)


def changes(record: DecisionRecord, plugins: Plugins) -> tuple[Difference, ...]:
    """Return the settings and versions of these plugins that are not those of a record."""
    if record.inputs is None:
        return ()
    then, now = msgspec.to_builtins(record.inputs.rules), msgspec.to_builtins(plugins.rules)
    return tuple(_differences("rules", then, now))


@dataclass(frozen=True, slots=True)
class _Again:
    """One replay; the stream is that of all its rounds, so they are decided in turn."""

    record: DecisionRecord
    inputs: Inputs
    plugins: Plugins
    stream: RandomStream

    def round(self, recorded: Round, given: RoundInputs) -> Round:
        """Decide a round; what Placement answered to it then is taken over."""
        decisions: list[InstanceDecision] = []
        alternates: tuple[str, ...] = ()
        hosts = None
        try:
            hosts = table_of(given)
            plan = self._plan(given, hosts, decisions)
            alternates, end = self._alternates(plan), "" if plan else "filtered_out"
        except Exception as error:  # noqa: BLE001 - a plugin may raise anything, and did perhaps then, too
            end = code_of(answer_to(error, self.record.request_id))
        if self.record.outcome == "interrupted" and recorded is self.record.rounds[-1]:
            decisions, alternates, end = decisions[: len(recorded.instances)], alternates and recorded.alternates, ""
        return msgspec.structs.replace(
            recorded,
            candidates=len(given.candidates.allocation_requests),
            hosts=0 if hosts is None else len(hosts),
            instances=tuple(decisions),
            alternates=alternates,
            answer=end or recorded.answer,
        )

    def _plan(self, given: RoundInputs, hosts: HostTable, decisions: list[InstanceDecision]) -> Plan | None:
        rank = partial(rank_hosts, self.plugins, stream=self.stream, best=self.inputs.best_hosts, places=1)
        request, instances = self.inputs.request.with_group(given.instance_group), self.record.instances
        return plan_batch(self.plugins.filters, rank, request, instances, hosts, decisions.append)

    def _alternates(self, plan: Plan | None) -> tuple[str, ...]:
        if plan is None:
            return ()
        return tuple(alternates_of(self.plugins, plan, self.inputs.alternates, self.stream).names)


def _lacking(record: DecisionRecord) -> str:
    """Say what a record lacks that a replay needs; "" when it lacks nothing."""
    if record.left_out:
        return f"The record was kept without its {record.left_out}, as it would have been too large."
    if record.inputs is None:
        decided = any(one.instances for one in record.rounds)
        return "The record holds no inputs; an older version wrote it." if decided else ""
    if not _SEED.fullmatch(record.seed):
        return "The seed in the record is not one."
    if len(record.inputs.rounds) != len(record.rounds):
        return "The record has not as many inputs as rounds."
    pairs = enumerate(zip(record.rounds, record.inputs.rounds, strict=True), start=1)
    missing = [number for number, (one, inputs) in pairs if one.instances and inputs is None]
    return f"The inputs of round {missing[0]} are missing." if missing else ""


def _differences(where: str, recorded: Any, found: Any) -> Iterator[Difference]:
    """Yield where two trees of plain values differ; numbers are equal when they are to the last bit."""
    if isinstance(recorded, dict) and isinstance(found, dict):
        for name in dict.fromkeys((*recorded, *found)):
            yield from _differences(f"{where}.{name}", recorded.get(name), found.get(name))
    elif isinstance(recorded, list | tuple) and isinstance(found, list | tuple):
        for place, (one, other) in enumerate(zip(recorded, found, strict=False)):
            yield from _differences(f"{where}[{place}]", one, other)
        if len(recorded) != len(found):
            yield Difference(where, f"{len(recorded)} entries", f"{len(found)} entries")
    elif repr(recorded) != repr(found):  # the repr of a float has every bit of it, -0.0 included
        yield Difference(where, _shown(recorded), _shown(found))


def _shown(value: Any) -> str:
    return text if len(text := repr(value)) <= SHOWN else f"{text[:SHOWN]}..."
