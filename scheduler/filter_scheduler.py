"""The flow: request, candidates, hosts, filters, weighers, order, plan, reserve, confirm, selections.

This file is that flow and nothing else; each step is a method or a function of the room it belongs to. The class reads
no configuration, and has no clock and no random source of its own: all collaborators are given.
"""

import signal
import uuid
import weakref
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Self, TypeVar
from uuid import UUID

import msgspec

from placement_client.client import PlacementClient
from placement_client.clock import Clock, Deadline
from scheduler import candidates
from scheduler.claims import (
    OVER_CAPACITY,
    RESERVED,
    TRY_AGAIN,
    Claim,
    Claimer,
    Figures,
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
from scheduler.events.table import RECORD_NOT_DELIVERED, RECORD_READ
from scheduler.explain.observers import Observer, Reader, RecordStore
from scheduler.explain.outcomes import answer_to, code_of, detail_of, outcome_of
from scheduler.explain.trail import Trail
from scheduler.hosts import HostSource, HostTable, build_host_table, facts_from, inputs_of
from scheduler.model import DecisionRecord, Inputs, Outcome, RequestContext, RequestSpec, Selection
from scheduler.model.admission import Authorize, admit, by_elevation, checked_instances, owner_of
from scheduler.prefilters import asked, placement_query
from scheduler.randomness import RandomSource, RandomStream, seed_of
from scheduler.selection import (
    Plan,
    Plugins,
    Ranked,
    Settled,
    alternates_of,
    check_request,
    plan_batch,
    rank_hosts,
    selections_of,
)
from scheduler.settings import SchedulerSettings
from scheduler.work import Work

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
    observers: tuple[Observer, ...] = ()
    log: EventLog = field(default_factory=EventLog)
    authorize: Authorize = by_elevation

    def select_destinations(
        self,
        context: RequestContext,
        spec: RequestSpec,
        instance_uuids: Sequence[UUID | str],
        *,
        return_alternates: bool = False,
        deadline: float | None = None,
    ) -> list[list[Selection]]:
        """Select a host for each instance and claim it.

        Returns one list an instance, in the order given: the selection, which is claimed, then its alternates (at most
        ``max_attempts - 1``, not claimed, only when asked for). ``deadline`` is in seconds from now, for everything.

        Raises NoValidHost, InvalidRequest, NotPermitted, InstanceConflict, ClaimInDoubt or SchedulingUnavailable; after
        any of them but ClaimInDoubt no allocation of this request exists or comes into being.
        """
        with self.reserve(
            context, spec, instance_uuids, return_alternates=return_alternates, deadline=deadline
        ) as reservation:
            return reservation.confirm()

    def reserve(
        self,
        context: RequestContext,
        spec: RequestSpec,
        instance_uuids: Sequence[UUID | str],
        *,
        return_alternates: bool = False,
        deadline: float | None = None,
    ) -> Reservation:
        """Select hosts and hold their room until the reservation is confirmed or its block is left.

        Arguments and errors are those of ``select_destinations``; the deadline covers the confirmation too.
        """
        alternates = self.settings.max_attempts - 1 if return_alternates else 0
        work = self._begin(context, spec, instance_uuids, alternates, deadline)
        earlier = self._guarded(work, lambda: self._admit(work, context))
        if earlier is not None:
            return Reservation(work.request_id, earlier, confirm=lambda: None, release=lambda: None)
        claim, selections = self._guarded(work, lambda: self._schedule(work))
        return Reservation(
            work.request_id,
            selections,
            confirm=lambda: self._confirm(work, claim),
            release=lambda: self._release(work),
        )

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
        alternates: int,
        deadline: float | None,
    ) -> Work:
        self.claimer.check_open()
        context.checked()
        request_id = context.request_id or f"req-{uuid.uuid4()}"
        instances = checked_instances(instance_uuids, self.settings.max_instances)
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
        )
        weakref.finalize(work, self.claimer.abandon, work.claim_ids).atexit = False
        return work

    def _admit(self, work: Work, context: RequestContext) -> list[list[Selection]] | None:
        """Check what is asked and who asks; return the earlier answer to a request that is delivered again."""
        work.spec = work.spec.checked()
        admit(context, work.spec, self.authorize)
        check_request(self.plugins, work.spec)
        work.trail.inputs = Inputs(
            request=work.spec,
            rules=self.plugins.rules,
            alternates=work.alternates,
            best_hosts=self.settings.explain.best_hosts,
        )
        work.facts = facts_of(work.request_id, work.spec, work.instances, work.alternates)
        return repeated(work.facts, self.claimer.claims_of(work.request_id)) if context.request_id else None

    def _schedule(self, work: Work) -> tuple[Claim, list[list[Selection]]]:
        """Plan and reserve the whole batch, again with fresh candidates when Placement refuses."""
        for number in range(self.settings.claims.max_rounds):
            if number:
                self.claimer.pause(number - 1)
            plan = self._plan(work, self._candidates(work))
            selections = self._selections(work, plan)
            claim, answer = self._claim_resources(work, plan, selections)
            work.trail.end_round(answer)
            if claim is not None:
                return claim, selections
            self._cleanup_allocations(work)
        work.trail.reason = answer
        raise given_up(answer, work.request_id)

    def _candidates(self, work: Work) -> HostTable:
        """Ask Placement for candidates and make the host table of them."""
        started = self.clock.monotonic()
        snapshot = facts_from(self.hosts, deadline=work.deadline)
        targets = candidates.targets_of(work.spec, snapshot)
        if targets == ():
            raise self._nothing_left(work, "unknown_host")
        limit, microversion = self.settings.max_placement_results, work.placement.microversion
        query = placement_query(work.spec, limit=limit, targets=targets, microversion=microversion)
        work.trail.asked, work.trail.microversion = asked(query), microversion
        found = candidates.ask(work.placement, query)
        work.trail.candidates = len(found.allocation_requests)
        work.trail.spend("candidates", 1000 * (self.clock.monotonic() - started))
        if not found.allocation_requests:
            names = candidates.names_for_people(snapshot)
            work.trail.probes = candidates.probe(work.placement, query, names, self.settings.explain.probes)
            raise self._nothing_left(work, "no_candidates")
        hosts = build_host_table(found, facts_from(self.hosts, candidates.roots_in(found), work.deadline))
        work.trail.hosts = len(hosts)
        work.trail.round_inputs = inputs_of(found, hosts, work.spec, work.instances)
        return hosts

    def _plan(self, work: Work, hosts: HostTable) -> Plan:
        """Find a host and an allocation candidate for every instance, each on what the ones before left over."""
        started, put_down = self.clock.monotonic(), work.trail.decisions.append
        rank = partial(self._get_sorted_hosts, work)
        plan = plan_batch(self.plugins.filters, rank, work.spec, work.instances, hosts, put_down)
        if plan is None:
            raise self._nothing_left(work, "filtered_out")
        work.trail.spend("select", 1000 * (self.clock.monotonic() - started))
        return plan

    def _get_sorted_hosts(self, work: Work, settled: Settled, spec: RequestSpec, hosts: HostTable) -> Ranked:
        """Filter, weigh and order the hosts for one instance."""
        best = self.settings.explain.best_hosts
        return rank_hosts(self.plugins, settled, spec, hosts, work.stream, best=best)

    def _claim_resources(self, work: Work, plan: Plan, selections: list[list[Selection]]) -> tuple[Claim | None, str]:
        """Reserve the room of a plan and verify it where it is tight; no claim, and why, when Placement refuses."""
        started = self.clock.monotonic()
        claim_id = self.claimer.new_id()
        work.claim_ids.append(claim_id)
        facts = replace(work.facts, result=msgspec.json.encode(selections))
        claim = self.claimer.begin(claim_id, facts, plan.placings)
        if claim is None:
            raise self._nothing_left(work, "too_many_claims")
        answer = self.claimer.reserve(work.placement, claim)
        if answer == RESERVED:
            work.trail.verified_providers, within = self.claimer.verify(work.placement, plan.placings)
            answer = RESERVED if within else OVER_CAPACITY
        work.trail.spend("claim", 1000 * (self.clock.monotonic() - started))
        if answer != RESERVED and answer not in TRY_AGAIN:
            raise SchedulingUnavailable(work.request_id, reason=answer)
        return (claim if answer == RESERVED else None), answer

    def _cleanup_allocations(self, work: Work) -> None:
        """Release what the request holds and has not confirmed; what cannot be released now is tried again later."""
        self.claimer.release(work.claim_ids)

    def _selections(self, work: Work, plan: Plan) -> list[list[Selection]]:
        """Return what the caller gets: each instance's host, and the alternates that all of them share."""
        rows = alternates_of(self.plugins, plan, work.alternates, work.stream).tolist() if work.alternates else []
        work.trail.alternates = tuple(plan.hosts.names[row] for row in rows)
        return selections_of(plan.placings, plan.hosts, rows, work.placement.microversion)

    # How a request ends

    def _confirm(self, work: Work, claim: Claim) -> None:
        """Move the room of a claim to the instances, and put down how the request ended."""
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
        record = work.trail.record(
            outcome,
            reason,
            answered_at=self.clock.wall(),
            total_ms=1000 * (self.clock.monotonic() - work.started),
            calls=work.placement.calls,
        )
        observers: tuple[Observer, ...] = (self.records, *self.observers)
        for observe in observers:
            self._deliver(record, observe)

    def _deliver(self, record: DecisionRecord, observe: Observer) -> None:
        """Hand a record to an observer; one that fails does not change how a request ended, which is long decided."""
        try:
            observe(record)
            return
        except Exception as error:  # noqa: BLE001 - an observer may raise anything
            kind = type(error)
        self.log(RECORD_NOT_DELIVERED, observer=type(observe), error=kind)
