"""All interleavings of schedulers that race with the first instances of an affinity group, each for a host of its own.

The real ``together`` is run again with the answers it got so far; where it asks for more, that is the next step. So
each reservation, read, confirmation and release is one transaction of Placement, in every order there is.
"""

from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID, uuid4

import pytest

from placement_client.models import (
    ConsumerAllocations,
    HeldOnProvider,
    ProjectUsages,
    ProviderAllocation,
    ProviderAllocations,
)
from scheduler.claims.parties import Look, Party, Place
from scheduler.claims.tags import meeting_point_of, meeting_point_on, tag_of, tagged
from scheduler.claims.together import together
from scheduler.model import ServerGroup
from tests.claims.interleavings import endings
from tests.hosts.fleets import Node, table, uid

GROUP = uid("group")
HOSTS = table(*(Node(name) for name in ("h0", "h1", "h2")))


class More(Exception):
    """The next read, which nobody has answered yet."""


@dataclass
class Answered:
    """Answers reads with what they got before, in turn, and stops at the first that is new."""

    answers: tuple[Any, ...]
    microversion: str = "1.39"
    number: int = 0

    def _next(self, *read: object) -> Any:
        if self.number == len(self.answers):
            raise More(*read)
        self.number += 1
        return self.answers[self.number - 1]

    def get_provider_allocations(self, provider: UUID) -> ProviderAllocations:
        held = self._next("on", provider)
        return ProviderAllocations(1, {str(one): HeldOnProvider({"VCPU": 1}) for one in held})

    def get_project_usages(self, project: str, user: str | None, kind: str | None) -> ProjectUsages:
        return ProjectUsages({"all": {"consumer_count": self._next("of", user)}})

    def get_allocations(self, consumer: UUID) -> ConsumerAllocations:
        where = self._next("by", consumer)
        return ConsumerAllocations({one: ProviderAllocation({"VCPU": 1}) for one in where}, 1)


@dataclass(frozen=True)
class Racer:
    """A scheduler: its instance, hold and host, and where it is; ``user`` is in whose name its hold is."""

    instance: UUID
    hold: UUID
    host: UUID
    user: str
    phase: str = "begun"
    answers: tuple[Any, ...] = ()

    @property
    def consumer(self) -> UUID | None:
        holding = {"looking": self.hold, "gives way": self.hold, "stays": self.hold}
        return holding.get(self.phase, self.instance if self.phase == "confirmed" else None)


World = tuple[Racer, ...]


def read(world: World, kind: str, what: object) -> Any:
    """Return what Placement answers at this moment."""
    if kind == "on":
        return frozenset(one.consumer for one in world if one.consumer and one.host == what)
    if kind == "of":
        return sum(one.user == what and one.consumer == one.hold for one in world)
    return frozenset(one.host for one in world if one.consumer == what)


@dataclass(frozen=True)
class Rules:
    """The protocol, and what a test takes away from it."""

    meets: bool = True
    keeps_the_user: bool = True

    def step(self, world: World, me: Racer) -> Racer | None:
        """Return a scheduler after its next step; None when it has ended."""
        if me.phase == "begun":
            return replace(me, phase="looking")
        if me.phase == "looking":
            return self._looked(world, me)
        if me.phase == "gives way":
            return replace(me, phase="gave way")
        if me.phase != "stays":
            return None
        renamed = self.keeps_the_user or me.user == "node"
        return replace(me, phase="confirmed") if renamed else replace(me, user="node")

    def _looked(self, world: World, me: Racer) -> Racer:
        more = self._look(world, me)
        assert isinstance(more, More), "a scheduler that looks has something to read"
        me = replace(me, answers=(*me.answers, read(world, *more.args)))
        look = self._look(world, me)
        return me if isinstance(look, More) else replace(me, phase="stays" if look.agrees else "gives way")

    def _look(self, world: World, me: Racer) -> Look | More:
        own = frozenset({me.instance})
        place = Place("host", (me.host,), own, frozenset({me.hold}))
        group = ServerGroup(policy="affinity", uuid=GROUP if self.meets else None)
        party = Party(group, own, frozenset(one.instance for one in world) - own, (place,))
        try:
            return together(Answered(me.answers), party, HOSTS, "project", lambda _: None)
        except More as more:
            return more


def racers(*hosts: str) -> World:
    instances = [uid(f"i{number}") for number in range(len(hosts))]
    holds = [tagged(uuid4(), instance, GROUP) for instance in instances]
    return tuple(
        Racer(instance, hold, uid(host), meeting_point_on(hold))
        for instance, hold, host in zip(sorted(instances, key=tag_of), sorted(holds), hosts, strict=True)
    )


def homes(world: World) -> set[UUID]:
    return {one.host for one in world if one.phase == "confirmed"}


@pytest.mark.parametrize("hosts", [("h0", "h1"), ("h0", "h0"), ("h0", "h1", "h2"), ("h0", "h1", "h1")])
def test_no_interleaving_splits_a_new_group(hosts: tuple[str, ...]) -> None:
    found = list(endings(Rules(), racers(*hosts)))
    assert max(len(homes(world)) for world in found) == 1
    assert any(not homes(world) for world in found), "whoever is never given a turn can not give way"


@pytest.mark.parametrize("missing", ["meets", "keeps_the_user"])
def test_a_new_group_is_split_without_any_part_of_the_rule(missing: str) -> None:
    """Without counting reservations; and with a confirmation that renames the reservation before it moves the room."""
    assert any(len(homes(world)) > 1 for world in endings(replace(Rules(), **{missing: False}), racers("h0", "h1")))


def test_the_holds_of_a_group_are_made_in_one_name() -> None:
    names = {meeting_point_on(tagged(uuid4(), uuid4(), GROUP)) for _ in range(20)}
    assert names == {meeting_point_of(GROUP)}
    assert meeting_point_of(uid("another group")) not in names
