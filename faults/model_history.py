"""One history: a seed decides what is asked, by whom, and what goes wrong; then there is calm, and recovery."""

import gc
import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from uuid import UUID

from faults.model_client import short, shown
from faults.model_journal import Disk
from faults.model_node import RESERVATIONS, Node
from faults.model_server import RESOURCE_CLASS, SimulatedServer
from faults.model_world import Crash, Dice, Interruption, Process, World
from placement_client.errors import Refused
from placement_client.models import ConsumerWrite, Resources
from scheduler.errors import SchedulerError
from scheduler.model import Flavor, RequestContext, RequestSpec, Selection

TENANT = "tenant"
FOREIGN = "foreign"
DELAYS_S = (1.0, 12.0, 40.0, 100.0)
SETTLE_EVERY_S = 20.0
ROUNDS = 40
DEEPEST = 2

Answer = list[list[Selection]]


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked for: some instances of one size, under one request id."""

    number: int
    instances: tuple[UUID, ...]
    amount: int

    @property
    def request_id(self) -> str:
        """Return the id that every delivery of the request carries."""
        return f"req-{UUID(int=self.number)}"


@dataclass(slots=True)
class Delivery:
    """One delivery of a request to a process, and how it ended: an answer, an error, or neither (a crash)."""

    request: Request
    answer: Answer | None = None
    error: type[BaseException] | None = None

    @property
    def ending(self) -> str:
        """Tell how it ended, for people."""
        if self.answer is not None:
            return "selected"
        return self.error.__name__ if self.error else "process died"


@dataclass(slots=True)
class Deeds:
    """What happened in a history, for who judges it."""

    deliveries: list[Delivery] = field(default_factory=list)
    foreign: dict[UUID, ConsumerWrite] = field(default_factory=dict)
    removed: set[UUID] = field(default_factory=set)
    defects: list[str] = field(default_factory=list)


class History:
    """Runs one history. ``broken`` names what a control switches off; ``plan`` replaces the troubles of the seed."""

    def __init__(
        self, seed: int, broken: str = "", trace: list[str] | None = None, plan: dict[int, int] | None = None
    ) -> None:
        self._dice = dice = Dice(f"model {seed}")
        self._broken = broken
        hosts = [UUID(int=0xA0 + number) for number in range(1 + dice.below(3))]
        server = SimulatedServer({host: 2 + dice.below(5) for host in hosts})
        drawn = {dice.below(20): dice.below(1 << 24) for _ in range(dice.below(4))}
        drawn |= {-1 - dice.below(4): dice.below(1 << 24) for _ in range(dice.below(3))}
        self.world = World(server, drawn if plan is None else plan, trace)
        self.world.meanwhile = self._meanwhile
        self.disk = Disk()
        self.deeds = Deeds()
        self._numbers = itertools.count(0x100)
        self._foreigners = itertools.count(0xF000)
        self._nodes: list[Node] = []
        self._depth = 0
        self._request = self._new_request()

    def run(self) -> None:
        """Serve, with troubles; then calm, recovery until nothing is left, and the arrival of what was on its way."""
        first = self._new_node()
        self._deliver(first, self._request)
        if not self._dice.below(4):
            self._deliver(self._alive(first), self._request)
        if not self._dice.below(4):
            self._deliver(self._alive(first), self._new_request())
        self._settle_with_troubles(self._dice.below(3))
        self.world.calm()
        self._recover(restart=bool(self._dice.below(2)))
        self.world.arrive(until=float("inf"))
        for node in self._nodes:
            node.process.alive = False  # whatever is collected later belongs to no history

    def _new_request(self) -> Request:
        instances = tuple(UUID(int=next(self._numbers)) for _ in range(1 + self._dice.below(3)))
        return Request(next(self._numbers), instances, 1 + self._dice.below(2))

    def _new_node(self) -> Node:
        process = Process(f"node{len(self._nodes)}")
        node = Node(self.world, self.disk, process, lambda: UUID(int=next(self._numbers)), self._broken)
        self._nodes.append(node)
        return node

    def _alive(self, node: Node) -> Node:
        return node if node.process.alive else self._new_node()

    def _deliver(self, node: Node, request: Request) -> None:
        """Hand a request to a process and keep how it ended."""
        delivery = Delivery(request)
        self.deeds.deliveries.append(delivery)
        before, node.process.serving = node.process.serving, len(self.deeds.deliveries)
        self.world.note(f"{node.process.name}  request {request.number:x} for {len(request.instances)}")
        with self._kept(node, delivery):
            delivery.answer = node.scheduler.select_destinations(_context(request), _spec(request), request.instances)
        node.process.serving = before
        self.world.note(f"{node.process.name}  request {request.number:x} ended: {delivery.ending}")

    @contextmanager
    def _kept(self, node: Node, delivery: Delivery | None = None) -> Iterator[None]:
        """Keep what a process raises: its errors are answers, anything unexpected is a defect."""
        error: type[BaseException] | None = None
        try:
            yield
        except (SchedulerError, Interruption, Crash) as raised:
            error = type(raised)
        except Exception as raised:  # noqa: BLE001 - whatever it is, the seed must be told
            error = type(raised)
            self.deeds.defects.append(f"{error.__name__} was raised")
        if delivery is not None and node.process.alive:
            delivery.error = error
        if error is Interruption:
            gc.collect()  # what the interrupted request leaves behind is given up when it goes away

    def _settle_with_troubles(self, rounds: int) -> None:
        for node, _ in itertools.product(list(self._nodes), range(rounds)):
            if node.process.alive:
                with self._kept(node):
                    node.scheduler.settle()
                self.world.wait(DELAYS_S[self._dice.below(len(DELAYS_S))])

    def _recover(self, *, restart: bool) -> None:
        """Go on with the processes that live (or start one anew) until no claim is left to settle."""
        if restart:
            for node in self._nodes:
                node.process.alive = node.process.beating = False
        if not any(node.process.alive and node.process not in self.disk.fenced for node in self._nodes):
            self._new_node().scheduler.recover()
        for _ in range(ROUNDS):
            self.world.wait(SETTLE_EVERY_S)
            for node in self._nodes:
                if node.process.alive:
                    node.scheduler.settle()
            if all(claim.settled for claim in self.disk.claims.values()):
                return

    # What others do meanwhile

    def _meanwhile(self, what: str, drawn: int) -> None:
        if what == "foreign":
            self._write_small(self._request.instances[drawn % len(self._request.instances)], drawn)
        elif what == "tenant":
            self._write_small(UUID(int=next(self._foreigners)), drawn)
        elif what == "crowd":
            self._crowd()
        elif what == "ghost":
            self.world.server.leave_ghosts([self._request.instances[drawn % len(self._request.instances)]])
        elif what == "delay":
            self.world.wait(DELAYS_S[drawn % len(DELAYS_S)])
        elif what == "removal":
            self._remove_hold(drawn)
        elif self._depth < DEEPEST:
            self._depth += 1
            self._by_another(what, drawn)
            self._depth -= 1

    def _by_another(self, what: str, drawn: int) -> None:
        """Let another process take over what is not beating, serve another request, or the same one again."""
        node = self._new_node()
        if what == "rival":
            self._deliver(node, self._new_request())
        elif what == "redelivery":
            self._deliver(node, self._request)
        else:
            self._take_over(node, drawn % 4, DELAYS_S[drawn // 4 % len(DELAYS_S)])

    def _take_over(self, node: Node, rounds: int, delay_s: float) -> None:
        """Recover in a new process, and go on settling; one that cannot even start does not go on."""
        started = False
        with self._kept(node):
            node.scheduler.recover()
            started = True
            for _ in range(rounds):
                self.world.wait(delay_s)
                node.scheduler.settle()
        node.process.alive = node.process.beating = started and node.process.alive

    def _write_small(self, consumer: UUID, drawn: int) -> None:
        providers = list(self.world.server.capacity)
        amount = Resources({RESOURCE_CLASS: 1 + drawn // 16 % 2})
        self._write_foreign(consumer, {providers[drawn // 4 % len(providers)]: amount})

    def _write_foreign(self, consumer: UUID, allocations: dict[UUID, Resources]) -> None:
        """Write a new consumer as somebody else does, who respects capacity."""
        write = ConsumerWrite(allocations, project_id=FOREIGN, user_id=FOREIGN)
        self.world.note(f"somebody else: {shown({consumer: write})}")
        try:
            self.world.server.write({consumer: write})
        except Refused:
            return
        self.deeds.foreign[consumer] = write

    def _crowd(self) -> None:
        """Let somebody else take all the room that is left, everywhere."""
        server = self.world.server
        left = {provider: capacity - server.used(provider) for provider, capacity in server.capacity.items()}
        room = {provider: Resources({RESOURCE_CLASS: amount}) for provider, amount in left.items() if amount > 0}
        if room:
            self._write_foreign(UUID(int=next(self._foreigners)), room)

    def _remove_hold(self, drawn: int) -> None:
        """Do what an administrator does who takes reservations for leftovers."""
        rows = self.world.server.consumers.items()
        holds = [uuid for uuid, row in rows if row.write is not None and row.write.project_id == RESERVATIONS]
        if holds:
            hold = holds[drawn % len(holds)]
            self.world.note(f"an administrator deletes {short(hold)}")
            self.world.server.remove(hold)
            self.deeds.removed.add(hold)


def _context(request: Request) -> RequestContext:
    return RequestContext(project_id=TENANT, user_id=TENANT, request_id=request.request_id)


def _spec(request: Request) -> RequestSpec:
    return RequestSpec(flavor=Flavor(vcpus=request.amount, memory_mb=0), project_id=TENANT, user_id=TENANT)
