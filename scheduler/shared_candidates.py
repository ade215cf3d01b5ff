"""Requests that ask Placement the same at about the same time share its answer, and see what each other takes of it.

No claim depends on it: an answer that is out of date costs a refused reservation, and the request asks anew.
"""

import math
import threading
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import Final, TypeVar
from uuid import UUID

from msgspec import Struct, field, structs

from placement_client.clock import SYSTEM_CLOCK, Clock, Deadline
from placement_client.errors import DeadlineExceeded
from placement_client.models import AllocationCandidates
from placement_client.query import CandidateQuery, to_query_string
from placement_client.turns import Turns
from scheduler.errors import NoValidHost
from scheduler.hosts import Assumed, HostSnapshot, HostTable, Standing, build_host_table
from scheduler.model.plan import Placing

T = TypeVar("T")
Question = tuple[str, ...]
"""What Placement is asked: the microversion, and each query as it is sent."""

NEVER: Final = Deadline(math.inf)
MOST_ANSWERS: Final = 8
KEPT_S: Final = 1.0
"""How long an answer is kept after its window, for those who came in time and wait for their turn."""
FORGOTTEN_S: Final = 60.0
"""How long a claim is assumed that nobody says anything more about."""


class Answer(Struct, eq=False):
    """What Placement answered, to whom, and the table of it; requests that come until ``good_until`` share both."""

    found: AllocationCandidates
    asked_at: float
    good_until: float
    asked_by: str
    standing: Standing | None = None


class Shape(Struct, eq=False):
    """All requests that ask the same: one at a time asks and plans. ``asked_at`` is infinite when nothing is kept."""

    turns: Turns = field(default_factory=Turns)
    asked_at: float = math.inf
    answer: Answer | None = None


class Taken(Struct, frozen=True):
    """What one claim takes; answers to questions that were asked before ``reserved_at`` may not say so yet."""

    amounts: Mapping[tuple[UUID, str], int]
    planned_at: float
    reserved_at: float = math.inf


class SharedCandidates:
    """The answers that are shared, and what the claims of this process take that they do not say; safe for threads.

    ``window_s`` is for how long after a question its answer is shared; 0 shares nothing.
    """

    def __init__(self, window_s: float = 0.0, clock: Clock = SYSTEM_CLOCK) -> None:
        self._window_s = window_s
        self._clock = clock
        self._lock = threading.Lock()
        self._shapes: OrderedDict[Question, Shape] = OrderedDict()
        self._taken: dict[UUID, Taken] = {}

    @property
    def more_rounds(self) -> int:
        """Return how many attempts a request has besides those it always has: one, as the first may be out of date."""
        return 1 if self._window_s else 0

    @contextmanager
    def visit(self, deadline: Deadline, request_id: str, *, anew: bool, alone: bool) -> Iterator["Visit"]:
        """Let a request ask and plan in the block, in its turn among those that ask the same.

        ``anew`` is for one whose reservation was refused; ``alone`` shares nothing.
        """
        shared = None if alone or not self._window_s else self
        with ExitStack() as turn:
            visit = Visit(shared, deadline, request_id, anew, self._clock.monotonic(), turn)
            try:
                yield visit
            finally:
                visit.ended = True

    def reserved(self, claim_id: UUID) -> None:
        """Note that Placement granted a claim: answers to later questions have it."""
        with self._lock:
            known = self._taken.get(claim_id)
            if known:
                self._taken[claim_id] = structs.replace(known, reserved_at=self._clock.monotonic())

    def forget(self, claim_ids: Iterable[UUID]) -> None:
        """Note that these claims take nothing (any more)."""
        with self._lock:
            for claim_id in claim_ids:
                self._taken.pop(claim_id, None)

    def assume(self, claim_id: UUID, placings: Iterable[Placing]) -> None:
        """Note what a claim is about to take."""
        if not self._window_s:
            return
        amounts: Counter[tuple[UUID, str]] = Counter()
        for placing in placings:
            for one in placing.amounts:
                amounts[one.provider_uuid, one.resource_class] += one.amount
        with self._lock:
            self._drop_old()
            self._taken[claim_id] = Taken(amounts, self._clock.monotonic())

    def taken_since(self, asked_at: float) -> Mapping[tuple[UUID, str], int]:
        """Return what claims take that an answer to a question asked then may not say."""
        total: Counter[tuple[UUID, str]] = Counter()
        with self._lock:
            for one in self._taken.values():
                if one.reserved_at >= asked_at:
                    total.update(one.amounts)
        return total

    def shape_of(self, question: Question) -> Shape:
        """Return the shape of requests with this question, and let go of what nobody needs any more."""
        with self._lock:
            shape = self._shapes.setdefault(question, Shape())
            self._shapes.move_to_end(question)
            while len(self._shapes) > MOST_ANSWERS:
                self._shapes.popitem(last=False)
            self._drop_old()
        return shape

    def answer(self, shape: Shape, request_id: str, ask: Callable[[], AllocationCandidates]) -> Answer:
        """Ask, and keep the answer for the requests of this shape."""
        shape.answer = None
        shape.asked_at = asked_at = self._clock.monotonic()
        try:
            found = ask()
        except BaseException:
            shape.asked_at = math.inf
            raise
        good_until = max(asked_at + self._window_s, self._clock.monotonic())
        shape.answer = answer = Answer(found, asked_at, good_until, request_id)
        return answer

    def _drop_old(self) -> None:
        now = self._clock.monotonic()
        for shape in self._shapes.values():
            known = shape.answer  # which another thread may replace at any moment
            if known and known.good_until + KEPT_S < now:
                shape.answer, shape.asked_at = None, math.inf
        oldest = min((shape.asked_at for shape in self._shapes.values()), default=math.inf)
        self._taken = {
            claim: one
            for claim, one in self._taken.items()
            if one.reserved_at >= min(oldest, now) and one.planned_at + FORGOTTEN_S >= now
        }


class Visit(Struct, eq=False, weakref=True):
    """One request while it asks and plans; one that is made like that shares nothing.

    ``anew`` takes no answer to a question that was asked before the visit began. ``certain`` says that nothing was
    planned on but what Placement answered since then; ``asked_by`` is who asked, "" when it was this request.
    """

    shared: SharedCandidates | None = None
    deadline: Deadline = NEVER
    request_id: str = ""
    anew: bool = False
    came: float = 0.0
    turn: ExitStack = field(default_factory=ExitStack)
    answered: Answer | None = None
    certain: bool = True
    assumed: Assumed = ()
    asked_by: str = ""
    ended: bool = False

    def sure(self, plan: Callable[[], T]) -> T:
        """Return a plan; before NoValidHost is said because of what others asked for or take, plan once more alone."""
        try:
            return plan()
        except NoValidHost:
            if self.certain:
                raise
        self.turn.close()
        self.shared = self.answered = None
        self.assumed, self.asked_by = (), ""
        return plan()

    def answer(
        self, queries: Sequence[CandidateQuery], microversion: str, ask: Callable[[], AllocationCandidates]
    ) -> AllocationCandidates:
        """Return what Placement answers to queries, or answered to another request with the same ones.

        Raises what ``ask`` raises, and DeadlineExceeded when the turn does not come in time.
        """
        if self.shared is None:
            return ask()
        question = (microversion, *(to_query_string(query, microversion) for query in queries))
        shape = self.shared.shape_of(question)
        self._wait(shape)
        known = shape.answer
        if known is None or not self._is_served_by(known):
            self.answered = self.shared.answer(shape, self.request_id, ask)
        else:
            self.answered, self.asked_by = known, known.asked_by
            self.certain = known.asked_at >= self.came
        return self.answered.found

    def table(self, found: AllocationCandidates, snapshot: HostSnapshot) -> HostTable:
        """Return the host table of an answer; where it is shared, with what requests in flight take."""
        if self.shared is None or self.answered is None:
            return build_host_table(found, snapshot)
        standing = self.answered.standing
        if standing is None or standing.hosts.offers.snapshot is not snapshot:
            standing = self.answered.standing = Standing(build_host_table(found, snapshot))
        self.assumed = standing.of(self.shared.taken_since(self.answered.asked_at))
        self.certain = self.certain and not self.assumed
        return standing.with_use(self.assumed)

    @property
    def told(self) -> tuple[Assumed, str]:
        """Return what a replay and an operator need to know of the sharing."""
        return self.assumed, self.asked_by

    def _is_served_by(self, known: Answer) -> bool:
        """Tell whether an answer serves: a stale one never where the request asks anew, or where it offers nothing."""
        if self.anew or not len(known.found):
            return known.asked_at >= self.came
        return self.came <= known.good_until

    def _wait(self, shape: Shape) -> None:
        try:
            self.turn.enter_context(shape.turns.turn(self))
            return
        except TimeoutError:
            pass
        raise DeadlineExceeded("GET /allocation_candidates")
