"""All interleavings of schedulers that race for one host with instances of one anti-affinity group.

Each reserves, reads the providers of the host one after another, and confirms, releases or reads again, as the verdict
of ``group_check`` says. Every step is one transaction of Placement. What the model leaves out shows that each part of
the rule is needed.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from uuid import UUID, uuid4

import pytest

from scheduler.claims.apart import Verdict, verdict_on
from scheduler.claims.parties import Found, Party, Place, found_among
from scheduler.claims.tags import tagged
from scheduler.model import ServerGroup
from tests.claims.interleavings import endings
from tests.hosts.fleets import uid

LOOKS = 3
HOST = (uid("a provider"), uid("another provider"))


@dataclass(frozen=True)
class Racer:
    """A scheduler: what it knows, where it is (the number of reads, or how it ended), and what it has read."""

    instance: UUID
    hold: UUID
    uses: tuple[UUID, ...]  # the providers that its instance takes something from
    members: frozenset[UUID]
    phase: str = "begun"
    reads: int = 0
    seen: frozenset[UUID] = frozenset()

    @property
    def consumer(self) -> UUID | None:
        """Return who holds its room."""
        holding = dict.fromkeys(("reserved", "looked", "tired", "gives way"), self.hold)
        return holding.get(self.phase, self.instance if self.phase == "confirmed" else None)


World = tuple[Racer, ...]


@dataclass(frozen=True)
class Rules:
    """The protocol, and what a test takes away from it."""

    limit: int = 1
    looks: bool = True
    tags: bool = True
    reserves_first: bool = True
    waits_for_proof: bool = True

    def step(self, world: World, me: Racer) -> Racer | None:
        """Return a scheduler after its next step; None when it has ended."""
        if me.phase == "begun":
            return self._begin(world, me)
        if me.phase == "reserved":
            return self._read(world, me)
        after = {"looked": "confirmed", "gives way": "gave way", "tired": "gave up"}.get(me.phase)
        return replace(me, phase=after) if after else None

    def _begin(self, world: World, me: Racer) -> Racer:
        if not self.looks:
            return replace(me, phase="looked")
        if not self.reserves_first and me.reads < len(HOST):
            read = self._read(world, me)
            return replace(read, phase="begun") if read.phase == "looked" else read
        return replace(me, phase="reserved" if self.reserves_first else "looked")

    def _read(self, world: World, me: Racer) -> Racer:
        provider = HOST[me.reads % len(HOST)]
        here = {one.consumer for one in world if one.consumer and provider in one.uses}
        me = replace(me, reads=me.reads + 1, seen=me.seen | here)
        return me if me.reads % len(HOST) else self._judged(me)

    def _judged(self, me: Racer) -> Racer:
        verdict = verdict_on([self._found(me)], self.limit)
        if verdict is Verdict.WAIT and self.waits_for_proof:
            out_of_looks = me.reads == LOOKS * len(HOST)
            return replace(me, phase="tired") if out_of_looks else replace(me, seen=frozenset())
        return replace(me, phase="gives way" if verdict is Verdict.GIVE_WAY else "looked")

    def _found(self, me: Racer) -> tuple[Place, Found]:
        own = frozenset({me.instance})
        place = Place("host", HOST, own, frozenset({me.hold}))
        party = Party(ServerGroup(policy="anti-affinity"), own, me.members - own, (place,))
        return place, found_among(map(str, me.seen), party)


def racers(rules: Rules, *uses: tuple[UUID, ...], knows: Sequence[frozenset[int]] | None = None) -> World:
    """Return schedulers at their beginning; ``knows`` are the numbers of the members that each of them knows."""
    instances = sorted((uid(f"i{number}") for number in range(len(uses))), key=lambda one: tagged(one, one))
    known = knows or [frozenset(range(len(uses)))] * len(uses)
    mint = tagged if rules.tags else lambda minted, _: minted
    return tuple(
        Racer(instance, mint(uuid4(), instance), uses[number], frozenset(instances[one] for one in known[number]))
        for number, instance in enumerate(instances)
    )


def confirmed(world: World) -> int:
    return sum(one.phase == "confirmed" for one in world)


BOTH, FIRST, SECOND = HOST, HOST[:1], HOST[1:]
TWO = ((FIRST, FIRST), (FIRST, SECOND), (BOTH, SECOND), (BOTH, BOTH))
THREE = ((FIRST, FIRST, FIRST), (FIRST, SECOND, BOTH), (BOTH, FIRST, SECOND))


@pytest.mark.parametrize("uses", TWO + THREE)
@pytest.mark.parametrize("limit", [1, 2])
def test_no_interleaving_breaks_the_group_and_all_who_fit_get_in(
    uses: tuple[tuple[UUID, ...], ...], limit: int
) -> None:
    rules = Rules(limit=limit)
    found = list(endings(rules, racers(rules, *uses)))
    assert max(map(confirmed, found)) == min(limit, len(uses))
    patient = [world for world in found if not any(one.phase == "gave up" for one in world)]
    assert {confirmed(world) for world in patient} == {min(limit, len(uses))}
    assert len(patient) < len(found) or limit == len(uses), "nobody ever ran out of looks; the model does not wait"


@pytest.mark.parametrize("uses", TWO)
@pytest.mark.parametrize("missing", ["looks", "tags", "reserves_first", "waits_for_proof"])
def test_the_rule_breaks_without_any_of_its_parts(uses: tuple[tuple[UUID, ...], ...], missing: str) -> None:
    rules = replace(Rules(), **{missing: False})
    assert any(confirmed(world) > 1 for world in endings(rules, racers(rules, *uses)))


@pytest.mark.parametrize(
    ("knows", "safe"),
    [
        (({0, 1}, {0, 1}), True),
        (({0}, {0, 1}), False),
        (({0, 1}, {1}), False),
    ],
)
def test_a_list_that_lacks_a_member_is_not_enough_although_the_other_one_is_whole(
    knows: tuple[set[int], ...], safe: bool
) -> None:
    """The one with the whole list may have been there first, so that it saw nothing."""
    rules = Rules()
    start = racers(rules, FIRST, FIRST, knows=[frozenset(one) for one in knows])
    assert all(confirmed(world) <= 1 for world in endings(rules, start)) is safe
