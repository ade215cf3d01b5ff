"""The flow: request, candidates, hosts, filters, weighers, order, plan, reserve, confirm, selections.

This file is that flow and nothing else; each step is a method or a function of the room it belongs to. The class reads
no configuration, and has no clock and no random source of its own: all collaborators are given.
"""

import signal
import uuid
import weakref
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Self, TypeVar
from uuid import UUID

import msgspec
from msgspec import structs

from placement_client.client import PlacementClient
from placement_client.clock import Clock, Deadline
from placement_client.models import AllocationCandidates
from scheduler import candidates, moves
from scheduler.claims import (
    GROUP_CHANGED,
    OVER_CAPACITY,
    RESERVED,
    TRY_AGAIN,
    Claim,
    Claimer,
    Figures,
    GroupCheck,
    RequestFacts,
    Reservation,
    close_on_signal,
    ended,
    facts_of,
    given_up,
    not_confirmed,
    repeated,
)
from scheduler.errors import NoValidHost, SchedulingUnavailable
from scheduler.events import EventLog
from scheduler.events.table import RECORD_READ
from scheduler.explain.observers import Observer, Reader, RecordStore
from scheduler.explain.outcomes import answer_to, code_of, detail_of, outcome_of
from scheduler.explain.trail import Trail
from scheduler.hosts import HostSource, HostTable, facts_from, inputs_of
from scheduler.model import DecisionRecord, Outcome, RequestContext, RequestSpec, Selection
from scheduler.model.admission import Authorize, admit, by_elevation, checked_instances, owner_of, understood
from scheduler.model.operation import BUILD, Operation, Rebuild, checked_operation, holds_room
from scheduler.prefilters import BUILT_IN, Prefilter, Refusal, asked
from scheduler.randomness import RandomSource, RandomStream, seed_of
from scheduler.selection import (
    Memory,
    Plan,
    Plugins,
    Ranked,
    alternates_of,
    check_request,
    plan_batch,
    plugins_for,
    rank_hosts,
    selections_of,
)
from scheduler.settings import SchedulerSettings
from scheduler.shared_candidates import SharedCandidates, Visit
from scheduler.work import Work, deliver

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True, eq=False)
class FilterScheduler:
    """Place instances on hosts and claim the room for them: all of a batch, or none.

    ``records`` keeps the decision record of every request; ``observers`` are called with it, too.
    """

    placement: PlacementClient
    hosts: HostSource
    plugins: Plugins
    claimer: Claimer
    random_source: RandomSource
    settings: SchedulerSettings
    clock: Clock
    records: RecordStore
    prefilters: tuple[Prefilter, ...] = BUILT_IN
    observers: tuple[Observer, ...] = ()
    log: EventLog = field(default_factory=EventLog)
    authorize: Authorize = by_elevation
    groups: GroupCheck = field(default_factory=GroupCheck)
    shared: SharedCandidates = field(default_factory=SharedCandidates)

    def select_destinations(
        self,
        context: RequestContext,
        spec: RequestSpec,
        instance_uuids: Sequence[UUID | str],
        *,
        operation: Operation = BUILD,
        return_alternates: bool = False,
        deadline: float | None = None,
    ) -> list[list[Selection]]:
        """Select a host for each instance and claim it.

        Returns one list an instance, in the order given: the selection, which is claimed, then its alternates (at most
        ``max_attempts - 1``, not claimed, only when asked for). ``deadline`` is in seconds from now, for everything.
        ``operation`` says what becomes of the instances; docs/instance-operations.md has what each one claims.

        Raises NoValidHost, InvalidRequest, NotPermitted, InstanceConflict, ClaimInDoubt or SchedulingUnavailable; after
        any of them but ClaimInDoubt no allocation of this request exists or comes into being.
        """
        with self.reserve(
            context, spec, instance_uuids, operation=operation, return_alternates=return_alternates, deadline=deadline
        ) as reservation:
            return reservation.confirm()

    def reserve(
        self,
        context: RequestContext,
        spec: RequestSpec,
        instance_uuids: Sequence[UUID | str],
        *,
        operation: Operation = BUILD,
        return_alternates: bool = False,
        deadline: float | None = None,
    ) -> Reservation:
        """Select hosts and hold their room until the reservation is confirmed or its block is left.

        Arguments and errors are those of ``select_destinations``; the deadline covers the confirmation too.
        """
        alternates = self.settings.max_attempts - 1 if return_alternates else 0
        work = self._begin(context, spec, instance_uuids, operation, alternates, deadline)
        earlier = self._guarded(work, lambda: self._admit(work, context))
        if earlier is not None:
            return Reservation(work.request_id, earlier, confirm=lambda: None, release=lambda: None)
        claim, selections = self._guarded(work, lambda: self._schedule(work))
        return Reservation(work.request_id, selections, lambda: self._confirm(work, claim), lambda: self._release(work))

    def outcome(self, request_id: str) -> str:
        """Tell what became of a request: "committed", "aborted", "in_doubt", "open" or "unknown"."""
        return ended(self.claimer.claims_of(request_id))

    def record(self, request_id: str | None = None) -> DecisionRecord | None:
        """Return the decision record of a request (None: the last one); None when it is not kept (any more)."""
        return self.records.get(request_id) if request_id else self.records.last()

    def explain(self, context: RequestContext, request_id: str) -> DecisionRecord | None:
        """Return the decision record of a request to somebody who may read it; None when it is not kept.

        Raises NotPermitted, for a record that is not there as for one that is, and AccessNotRecorded.
        """
        record = self.record(request_id)
        self.authorize(context, "explain:read", owner_of(record))
        self.records.put_down(Reader(context.user_id, "explain"), request_id)
        self.log(RECORD_READ, request=request_id, reader=context.user_id)
        return record

    def figures(self) -> Figures:
        """Count the claims that are open, in doubt and being released."""
        return self.claimer.figures()

    def settle(self) -> float | None:
        """Settle what is left of earlier requests; seconds until there is more to do, None when nothing is left."""
        return self.claimer.settle()

    def recover(self, timeout_s: float | None = None) -> Figures:
        """Take over and settle what dead schedulers of this journal left, and tell what could not be settled yet.

        ``build`` does it before the first request. What is left is retried in the background.
        """
        limit = self.settings.claims.recovery_timeout_s if timeout_s is None else timeout_s
        return self.claimer.recover(limit)

    def close(self) -> Figures:
        """Take no more requests, wait for open ones up to the drain timeout, abort the rest, and tell what is left."""
        return self.claimer.close(self.settings.claims.drain_timeout_s)

    def close_on_signal(self, number: int = signal.SIGTERM) -> None:
        """Let a signal close this scheduler and then end the process; what is open by then the next start recovers."""
        close_on_signal(self.close, number)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # The flow, one method an arrow

    def _begin(
        self,
        context: RequestContext,
        spec: RequestSpec,
        instance_uuids: Sequence[UUID | str],
        operation: Operation,
        alternates: int,
        deadline: float | None,
    ) -> Work:
        self.claimer.check_open()
        context.checked()
        request_id = context.request_id or f"req-{uuid.uuid4()}"
        instances = checked_instances(instance_uuids, self.settings.max_instances)
        operation = checked_operation(operation, instances)
        seed = seed_of(self.random_source, request_id)
        until = Deadline.after(self.settings.request_timeout_s if deadline is None else deadline, self.clock)
        work = Work(
            spec=spec,
            request_id=request_id,
            instances=instances,
            deadline=until,
            placement=self.placement.within(until, request_id),
            stream=RandomStream(seed),
            trail=Trail(request_id, seed, instances, spec.project_id, spec.user_id),
            alternates=alternates,
            started=self.clock.monotonic(),
            facts=RequestFacts(request_id, "", spec.project_id, spec.user_id, spec.consumer_type),
            operation=operation,
            plugins=plugins_for(self.plugins, operation),
        )
        weakref.finalize(work, self.claimer.abandon, work.claim_ids).atexit = False
        return work

    def _admit(self, work: Work, context: RequestContext) -> list[list[Selection]] | None:
        """Check what is asked and who asks; return the earlier answer to a request that is delivered again."""
        question, devices = self.settings.question, self.settings.pci.alias
        work.spec, work.trail.warnings = understood(
            work.spec, lenient=question.lenient_extra_specs, devices=devices if question.pci_in_placement else None
        )
        admit(context, work.spec, self.authorize)
        check_request(self.plugins, work.spec)
        work.put_down_inputs(self.plugins.rules, self.settings.explain.best_hosts)
        work.facts = facts_of(work.request_id, work.spec, work.instances, work.alternates, work.operation)
        earlier = repeated(work.facts, self.claimer.claims_of(work.request_id)) if context.request_id else None
        if earlier is None and holds_room(work.operation):
            work.find_source(self.hosts)
        return earlier

    def _schedule(self, work: Work) -> tuple[Claim | None, list[list[Selection]]]:
        """Plan and reserve the whole batch, again with fresh candidates when Placement refuses."""
        if isinstance(work.operation, Rebuild) and work.source:
            return None, self._stay(work, work.source)
        for number in range(self.settings.claims.max_rounds + self.shared.more_rounds):
            if number:
                self.claimer.pause(number - 1)
            plan = self._decide(work, anew=number > 0)
            selections = self._selections(work, plan)
            claim, answer = self._claim_resources(work, plan, selections)
            work.trail.end_round(answer)
            if claim is not None:
                return claim, selections
            self._cleanup_allocations(work)
        work.trail.reason = answer
        raise given_up(answer, work.request_id)

    def _stay(self, work: Work, source: moves.Source) -> list[list[Selection]]:
        """Judge the host that an instance is built again on; nothing is asked for, and nothing claimed."""
        found = moves.where_it_is(work.placement, source)
        work.trail.microversion = work.placement.microversion
        plan = self._plan(work, self._host_table(work, found, Visit()))
        selections = self._selections(work, plan)
        work.trail.end_round("held")
        return selections

    def _decide(self, work: Work, *, anew: bool) -> Plan:
        """Ask and plan, in turn with requests that ask the same where those share what Placement answers."""
        with self.shared.visit(work.deadline, work.request_id, anew=anew, alone=bool(work.source)) as visit:
            plan = visit.sure(lambda: self._plan(work, self._candidates(work, visit)))
            work.stale = bool(visit.asked_by)
            work.claim_ids.append(self.claimer.new_id())
            self.shared.assume(work.claim_ids[-1], plan.placings)
        return plan

    def _candidates(self, work: Work, visit: Visit) -> HostTable:
        """Ask Placement for candidates, or share those of another request, and make the host table of them."""
        work.trail.reason, started = "", self.clock.monotonic()
        snapshot = facts_from(self.hosts, deadline=work.deadline)
        microversion = work.placement.microversion
        queries = candidates.queries_for(work.asked, snapshot, microversion, self.settings, self.prefilters)
        if isinstance(queries, Refusal):
            raise self._nothing_left(work, queries.reason)
        work.trail.asked, work.trail.microversion = asked(queries[0]), microversion
        found = visit.answer(queries, microversion, partial(candidates.ask, work.placement, *queries))
        if work.source:
            found = moves.offered(work.placement, found, queries, work.operation, work.source)
        work.trail.spend("candidates", 1000 * (self.clock.monotonic() - started))
        if not len(found):
            work.trail.probes = candidates.probe(work.placement, queries[0], snapshot, self.settings.explain.probes)
            raise self._nothing_left(work, "no_candidates")
        return self._host_table(work, found, visit)

    def _host_table(self, work: Work, found: AllocationCandidates, visit: Visit) -> HostTable:
        """Make the host table of what is offered, and put down what a replay needs of it."""
        work.trail.candidates = len(found)
        hosts = visit.table(found, facts_from(self.hosts, found.roots, work.deadline))
        work.trail.hosts = len(hosts)
        work.trail.round_inputs = inputs_of(found, hosts, work.spec, work.instances, work.group, *visit.told)
        return hosts

    def _plan(self, work: Work, hosts: HostTable) -> Plan:
        """Find a host and an allocation candidate for every instance, each on what the ones before left over."""
        started, put_down = self.clock.monotonic(), work.trail.decisions.append
        rank = partial(self._get_sorted_hosts, work)
        plan = plan_batch(work.plugins.filters, rank, work.asked, work.instances, hosts, put_down)
        if plan is None:
            raise self._nothing_left(work, "filtered_out")
        work.trail.spend("select", 1000 * (self.clock.monotonic() - started))
        return plan

    def _get_sorted_hosts(self, work: Work, memory: Memory, spec: RequestSpec, hosts: HostTable) -> Ranked:
        """Filter, weigh and order the hosts for one instance."""
        best = self.settings.explain.best_hosts
        return rank_hosts(work.plugins, memory, spec, hosts, work.stream, best=best, places=1)

    def _claim_resources(self, work: Work, plan: Plan, selections: list[list[Selection]]) -> tuple[Claim | None, str]:
        """Reserve the room of a plan and verify it; no claim, and why, when Placement refuses or others were first."""
        started = self.clock.monotonic()
        claim_id = work.claim_ids[-1]
        facts = structs.replace(work.facts, result=msgspec.json.encode(selections))
        claim = self.claimer.begin(claim_id, facts, plan.placings)
        if claim is None:
            raise self._nothing_left(work, "too_many_claims")
        answer = self.claimer.reserve(work.placement, claim)
        if answer == RESERVED:
            self.shared.reserved(claim_id)
            answer = self._verify(work, plan, claim)
        work.trail.spend("claim", 1000 * (self.clock.monotonic() - started))
        if answer != RESERVED and answer not in TRY_AGAIN:
            raise SchedulingUnavailable(work.request_id, reason=answer)
        return (claim if answer == RESERVED else None), answer

    def _verify(self, work: Work, plan: Plan, claim: Claim) -> str:
        """Read back what a reservation does not guarantee: capacity where room is tight, and the server group."""
        work.trail.verified_providers, within = self.claimer.verify(work.placement, plan.placings, work.stale)
        if not within:
            return OVER_CAPACITY
        calls, pause = work.placement.calls, self.claimer.pause
        spec = work.spec.with_group(work.settled)
        look = self.groups.look(work.placement, spec, plan.placings, claim, plan.hosts, pause)
        work.group, work.settled = look.group, look.settled
        work.trail.group_looks = work.placement.calls - calls
        return RESERVED if look.agrees else GROUP_CHANGED

    def _cleanup_allocations(self, work: Work) -> None:
        """Release what the request holds and has not confirmed; what cannot be released now is tried again later."""
        self.shared.forget(work.claim_ids)
        self.claimer.release(work.claim_ids)

    def _selections(self, work: Work, plan: Plan) -> list[list[Selection]]:
        """Return what the caller gets: each instance's host, and the alternates that all of them share."""
        alternates = alternates_of(work.plugins, plan, work.alternates, work.stream)
        work.trail.alternates = tuple(alternates.names)
        return selections_of(plan.placings, alternates, work.placement.microversion)

    # How a request ends

    def _confirm(self, work: Work, claim: Claim | None) -> None:
        """Move the room of a claim, if there is one, to the instances, and put down how the request ended."""
        if claim is not None:
            self._guarded(work, lambda: self._move_to_instances(work, claim))
        self._answered(work, "selected")

    def _move_to_instances(self, work: Work, claim: Claim) -> None:
        started = self.clock.monotonic()
        answer = self.claimer.confirm(work.placement, claim)
        work.trail.spend("claim", 1000 * (self.clock.monotonic() - started))
        failure = not_confirmed(answer, work.request_id)
        if isinstance(failure, NoValidHost):
            work.trail.reason = answer
        if failure is not None:
            raise failure
        work.claim_ids.remove(claim.claim_id)  # nothing is left to do for it

    def _release(self, work: Work) -> None:
        """Give back what the caller decided not to confirm."""
        self._cleanup_allocations(work)
        self._answered(work, "released")

    def _guarded(self, work: Work, step: Callable[[], T]) -> T:
        """Take a step; whatever it raises, release what the request holds, and answer with an error of ours."""
        try:
            return step()
        except BaseException as error:  # noqa: BLE001 - whatever it is, nothing may stay claimed; it is raised again
            self._cleanup_allocations(work)
            answer = answer_to(error, work.request_id)
        reason = work.trail.reason or code_of(answer)
        work.trail.detail = detail_of(answer)
        work.trail.end_open_round(reason)
        self._answered(work, outcome_of(answer), reason)
        raise answer

    def _nothing_left(self, work: Work, reason: str) -> NoValidHost:
        work.trail.reason = reason
        work.trail.end_round(reason)
        return NoValidHost(work.request_id)

    def _answered(self, work: Work, outcome: Outcome, reason: str = "") -> None:
        """Hand the record of a request that has ended to everybody who keeps or reads them."""
        deliver(work.record(outcome, reason, self.clock), (self.records, *self.observers), self.log)
