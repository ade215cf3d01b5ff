"""What a claim does about the members of its server group that it finds where it goes, read from a played Placement."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID, uuid4

import pytest
from msgspec import structs

from placement_client.models import (
    ConsumerAllocations,
    HeldOnProvider,
    ProjectUsages,
    ProviderAllocation,
    ProviderAllocations,
)
from scheduler.claims.bodies import RequestFacts, claim_of
from scheduler.claims.group_check import GroupCheck, members_of
from scheduler.claims.journal import Claim
from scheduler.claims.parties import AGREES, LOOKS, Look
from scheduler.claims.tags import meeting_point_of, tag_of, tag_on, tagged
from scheduler.errors import PluginFailed, SchedulingUnavailable
from scheduler.hosts import HostTable
from scheduler.hosts.trees import host_of, tree_of
from scheduler.model import RequestSpec, ServerGroup
from scheduler.model.plan import Placing
from scheduler.selection import placing_of
from tests.hosts.fleets import Node, row_of, spec, table, uid

ROOM = {"VCPU": (8, 0)}
LOW, HIGH = sorted((uid("m1"), uid("m2")), key=tag_of)
FLEET = (
    Node("h1", ROOM),
    Node("h2", ROOM),
    Node("h2_numa", {"MEMORY_MB": (8, 0)}, root="h2"),
    Node("h2_empty", {}, root="h2"),
    Node("storage", {"DISK_GB": (9, 0)}, ("MISC_SHARES_VIA_AGGREGATE",)),
)
OFFERED = [
    {"h1": {"VCPU": 1}, "storage": {"DISK_GB": 1}},
    {"h2": {"VCPU": 1}, "h2_numa": {"MEMORY_MB": 1}},
]
HOSTS = table(*FLEET, Node("full", ROOM), requests=OFFERED)


@dataclass
class Played:
    """Answers from who holds something on which provider, and notes what is asked; ``later`` comes into force then."""

    held: Mapping[str, Sequence[UUID | str]] = field(default_factory=dict)
    later: Mapping[str, Sequence[UUID | str]] | None = None
    claims: Sequence[int] = ()
    microversion: str = "1.39"
    asked: list[UUID | str] = field(default_factory=list)
    pauses: list[int] = field(default_factory=list)

    def get_provider_allocations(self, provider: UUID) -> ProviderAllocations:
        self.asked.append(provider)
        consumers = next((held for name, held in self.held.items() if uid(name) == provider), ())
        return ProviderAllocations(1, {str(one): HeldOnProvider({"VCPU": 1}) for one in consumers})

    def get_allocations(self, consumer: UUID) -> ConsumerAllocations:
        self.asked.append(consumer)
        where = [uid(name) for name, held in self.held.items() if consumer in held]
        return ConsumerAllocations({provider: ProviderAllocation({"VCPU": 1}) for provider in where}, 1)

    def get_project_usages(self, project_id: str, user_id: str, consumer_type: str) -> ProjectUsages:
        """Return how many claims of a group there are; the last number again and again."""
        self.asked.append(f"{project_id} {user_id}")
        number, *left = self.claims or [1]
        self.claims = left or [number]
        return ProjectUsages({consumer_type: {"consumer_count": number}})

    def pause(self, number: int) -> None:
        self.pauses.append(number)
        self.held = self.held if self.later is None else self.later


def group(*members: UUID, policy: str = "anti-affinity", **fields: object) -> ServerGroup:
    return structs.replace(ServerGroup(policy="affinity"), policy=policy, members=members, **fields)


def on(host: str) -> tuple[HostTable, int, int]:
    """Return where an instance on this host goes: the table, the row and the candidate."""
    row = row_of(HOSTS, host)
    return HOSTS, row, HOSTS.first_fitting(row)


def planned(**where: str) -> list[Placing]:
    """Return the plan of instances, by name, on hosts."""
    return [placing_of(uid(instance), *on(host)) for instance, host in where.items()]


def claimed(plan: Iterable[Placing]) -> Claim:
    facts = RequestFacts("req-1", "digest", "tenant", "somebody", "INSTANCE", tagged=True)
    return claim_of(uuid4(), facts, plan, uuid4)


def hold_for(instance: UUID) -> UUID:
    return tagged(uuid4(), instance)


def look(
    asked: ServerGroup | RequestSpec,
    plan: list[Placing],
    placement: Played,
    check: GroupCheck = GroupCheck(),  # noqa: B008 frozen
) -> Look:
    request = asked if isinstance(asked, RequestSpec) else spec(instance_group=asked)
    return check.look(placement, request, plan, claimed(plan), HOSTS, placement.pause)


# Holds


def test_each_instance_of_a_hard_group_has_a_hold_with_its_tag() -> None:
    claim = claimed(planned(a="h1", b="h2", c="h1"))
    assert [tag_on(hold.consumer) for hold in claim.holds] == [tag_of(uid(name)) for name in "abc"]
    assert [hold.allocations for hold in claim.holds] == [one.allocations for one in claim.instances]


# Trees


def test_the_tree_of_a_host_is_what_has_inventory_in_it() -> None:
    """Neither a provider without inventory nor one that shares with several hosts."""
    assert tree_of(uid("h1"), HOSTS) == (uid("h1"),)
    assert set(tree_of(uid("h2"), HOSTS)) == {uid("h2"), uid("h2_numa")}


@pytest.mark.parametrize(
    ("provider", "name"),
    [("h1", "h1"), ("h2_numa", "h2"), ("full", "full"), ("elsewhere", str(uid("elsewhere")))],
)
def test_a_provider_leads_to_its_host_as_far_as_anybody_knows(provider: str, name: str) -> None:
    assert host_of(uid(provider), HOSTS) == name


def test_the_name_of_a_root_provider_that_has_no_facts_is_known_from_the_listing() -> None:
    hosts: HostTable = table(*FLEET[:1], provider_names={uid("stranger"): "stranger"})
    assert host_of(uid("stranger"), hosts) == "stranger"


# Anti-affinity


def test_nobody_there_is_nobody_in_the_way() -> None:
    placement = Played({"h1": [uuid4(), "not-a-uuid", hold_for(uid("stranger"))]})
    assert look(group(LOW), planned(new="h1"), placement) is AGREES
    assert placement.asked == [uid("h1")]


@pytest.mark.parametrize("found", [LOW, str(LOW).upper(), hold_for(LOW)])
def test_a_member_or_a_hold_for_one_is_in_the_way(found: UUID | str) -> None:
    assert not look(group(HIGH, LOW, uid("new")), planned(new="h1"), Played({"h1": [found]})).agrees


def test_a_member_on_a_nested_provider_is_on_the_host() -> None:
    placement = Played({"h2_numa": [LOW]})
    assert look(group(LOW), planned(new="h2"), placement).group == group(LOW, hosts=("h2",))
    assert set(placement.asked) == {uid("h2"), uid("h2_numa")}


def test_a_member_and_its_hold_are_one() -> None:
    """They are read one after the other, on two providers, while it is confirmed."""
    two = group(LOW, max_server_per_host=2)
    assert look(two, planned(new="h2"), Played({"h2": [hold_for(LOW)], "h2_numa": [LOW]})).agrees


@pytest.mark.parametrize(("limit", "agrees"), [(2, False), (3, True)])
def test_as_many_as_the_group_allows_with_those_of_the_batch(limit: int, agrees: bool) -> None:
    batch = planned(a="h1", b="h1", c="h2")
    assert look(group(LOW, max_server_per_host=limit), batch, Played({"h1": [LOW]})).agrees is agrees


def test_what_is_held_for_the_batch_itself_does_not_count() -> None:
    """Neither the holds of this claim nor what an earlier round of the same request has left there."""
    plan = planned(a="h1", b="h2")
    left = [hold_for(uid(name)) for name in "aab"]
    assert look(group(LOW, uid("a"), uid("b")), plan, Played({"h1": left, "h2": left})).agrees


def test_an_instance_that_moves_is_not_its_own_neighbour() -> None:
    asked = group(LOW, uid("moving"))
    assert look(asked, planned(moving="h1"), Played({"h1": [uid("moving")]})).agrees


def test_an_instance_that_stays_where_it_is_may_do_so_beside_others() -> None:
    """As for the filter: a resize where it is brings nobody; with another one of the batch it would."""
    asked, placement = group(LOW, uid("moving")), Played({"h1": [uid("moving"), LOW]})
    plan = planned(moving="h1")
    assert look(asked, plan, placement).agrees
    assert not look(asked, [*plan, *planned(new="h1")], placement).agrees


def test_the_next_plan_learns_who_is_where_and_the_next_look_only_who_stays() -> None:
    asked = group(LOW, hosts=("h2", "h9"), max_server_per_host=2)
    placement = Played({"h1": [LOW, hold_for(HIGH)], "h2": [uid("m3")]})
    found = look(structs.replace(asked, members=(LOW, HIGH, uid("m3"))), planned(a="h1", b="h2"), placement)
    assert not found.agrees
    assert found.group.hosts == ("h2", "h9", "h1", "h1"), "as often as members are there, and no host twice for one"
    assert found.settled.hosts == ("h2", "h9", "h1")
    assert found.group.members == (LOW, HIGH, uid("m3"))


def test_the_claim_whose_hold_is_lower_waits_until_the_others_gave_way() -> None:
    asked = group(LOW, HIGH)
    placement = Played({"h1": [hold_for(HIGH)]}, later={})
    plan = [placing_of(LOW, *on("h1"))]
    assert look(asked, plan, placement).agrees
    assert placement.pauses == [0]


def test_the_claim_whose_hold_is_lower_gives_way_when_the_other_one_was_faster() -> None:
    placement = Played({"h1": [hold_for(HIGH)]}, later={"h1": [HIGH]})
    plan = [placing_of(LOW, *on("h1"))]
    assert not look(group(LOW, HIGH), plan, placement).agrees
    assert placement.pauses == [0]


def test_nobody_waits_for_ever() -> None:
    placement = Played({"h1": [hold_for(HIGH)]})
    plan = [placing_of(LOW, *on("h1"))]
    assert not look(group(LOW, HIGH), plan, placement).agrees
    assert placement.pauses == list(range(LOOKS - 1))
    assert len(placement.asked) == LOOKS


def test_the_claim_whose_hold_is_higher_gives_way_at_once() -> None:
    placement = Played({"h1": [hold_for(LOW)]}, later={})
    plan = [placing_of(HIGH, *on("h1"))]
    assert not look(group(LOW, HIGH), plan, placement).agrees
    assert placement.pauses == []


def test_a_claim_that_would_wait_at_one_host_and_not_at_another_gives_way() -> None:
    """Two batches that cross each other would wait for each other."""
    placement = Played({"h1": [hold_for(HIGH)], "h2": [uid("m3")]}, later={})
    plan = [placing_of(LOW, *on("h1")), *planned(new="h2")]
    assert not look(group(LOW, HIGH, uid("m3")), plan, placement).agrees
    assert placement.pauses == []


# What is not looked at


@pytest.mark.parametrize(
    "request_",
    [
        spec(),
        spec(instance_group=group(LOW, policy="soft-anti-affinity")),
        spec(instance_group=group(LOW), force_hosts=("h1",)),
        spec(instance_group=group(uid("new"))),
        spec(instance_group=group(policy="affinity")),
    ],
    ids=["no group", "a wish", "a forced host", "nobody else", "an empty group"],
)
def test_nothing_is_asked_where_nothing_can_come_of_it(request_: RequestSpec) -> None:
    placement = Played({"h1": [LOW]})
    assert look(request_, planned(new="h1"), placement).agrees
    assert placement.asked == []


# Who is a member


class Source:
    """Knows one group, or fails."""

    def __init__(self, *members: object, failure: Exception | None = None) -> None:
        self._members, self._failure = members, failure

    def members(self, group_uuid: UUID) -> Iterable[UUID]:
        if self._failure:
            raise self._failure
        return iter(self._members if group_uuid == uid("group") else ())


def test_members_that_came_after_the_request_count_when_there_is_a_source() -> None:
    check, placement = GroupCheck(Source(LOW)), Played({"h1": [LOW]})
    assert not look(group(uuid=uid("group")), planned(new="h1"), placement, check).agrees
    assert look(group(uuid=uid("group")), planned(new="h1"), placement).agrees, "nobody knows of it"
    assert look(group(), planned(new="h1"), placement, check).agrees, "nobody knows which group to ask for"


def test_the_members_of_the_request_count_in_any_case() -> None:
    assert members_of(group(LOW, uuid=uid("group")), Source(HIGH)) == {LOW, HIGH}


@pytest.mark.parametrize("source", [Source(failure=OSError("secret")), Source("not a UUID"), object()])
def test_a_source_that_fails_stops_the_request_by_its_name(source: object) -> None:
    with pytest.raises(PluginFailed) as caught:
        members_of(group(uuid=uid("group")), source)
    assert type(source).__name__ in str(caught.value.detail)
    assert "secret" not in str(caught.value.detail)


def test_an_error_of_ours_passes_through_a_source() -> None:
    with pytest.raises(SchedulingUnavailable):
        members_of(group(uuid=uid("group")), Source(failure=SchedulingUnavailable("req-1")))


# Affinity


def together(*members: UUID, **fields: object) -> ServerGroup:
    return group(*members, policy="affinity", **fields)


@pytest.mark.parametrize(
    "held",
    [{}, {"h1": [LOW]}, {"h1": [LOW], "h2": [HIGH]}, {"h1": [LOW], "storage": [LOW, HIGH]}, {"h1": [hold_for(LOW)]}],
)
def test_a_group_that_is_nowhere_or_here_is_kept_together(held: dict[str, list[UUID]]) -> None:
    """As for the filter, a host with one member is right, whatever became of the others."""
    assert look(together(LOW, HIGH), planned(new="h1"), Played(held)).agrees


@pytest.mark.parametrize("home", ["h2", "h2_numa", "full", "nobody-knows"])
def test_a_group_that_is_elsewhere_is_followed(home: str) -> None:
    name = {"h2_numa": "h2", "nobody-knows": str(uid("nobody-knows"))}.get(home, home)
    found = look(together(LOW, hosts=("h1",)), planned(a="h1", b="h1"), Played({home: [LOW]}))
    assert found == Look(False, together(hosts=(name,)), None)


def test_a_member_that_uses_the_same_storage_is_elsewhere() -> None:
    assert not look(together(LOW), planned(new="h1"), Played({"storage": [LOW], "h2": [LOW]})).agrees


def test_the_first_member_that_is_elsewhere_is_enough() -> None:
    members = sorted(uuid4() for _ in range(5))
    placement = Played({"h2": members[1:]})
    assert not look(together(*members), planned(new="h1"), placement).agrees
    assert placement.asked == [uid("h1"), *members[:2]]


def test_an_instance_that_moves_is_not_company() -> None:
    asked = together(LOW, uid("moving"))
    assert not look(asked, planned(moving="h1"), Played({"h1": [uid("moving")], "h2": [LOW]})).agrees


# The first members of an affinity group

NEW = together(LOW, HIGH, uuid=uid("group"))


def placed_first(instance: UUID) -> list[Placing]:
    return [placing_of(instance, *on("h1"))]


def test_claims_of_a_group_are_counted_before_its_members_are_looked_for() -> None:
    placement = Played(claims=[1])
    assert look(NEW, placed_first(LOW), placement).agrees
    assert placement.asked == [uid("h1"), f"placement-scheduler {meeting_point_of(uid('group'))}", HIGH]


def test_of_two_that_meet_the_higher_one_is_less_patient() -> None:
    for first, waits in ((LOW, LOOKS - 1), (HIGH, LOOKS - 2)):
        placement = Played(claims=[2])
        assert look(NEW, placed_first(first), placement) == Look(agrees=False)
        assert placement.pauses == list(range(waits))


def test_whoever_is_left_stays_and_follows_whoever_was_faster() -> None:
    assert look(NEW, placed_first(LOW), Played(claims=[2, 2, 1])).agrees
    gone = Played(claims=[2, 1], later={"h2": [HIGH]})
    assert look(NEW, placed_first(LOW), gone).group.hosts == ("h2",)


def test_the_holds_of_the_claim_itself_are_no_strangers() -> None:
    assert look(NEW, planned(a="h1", b="h1"), Played(claims=[2])).agrees


@pytest.mark.parametrize(
    ("asked", "microversion"), [(NEW, "1.37"), (together(LOW, HIGH), "1.39")], ids=["an old Placement", "no UUID"]
)
def test_nobody_is_counted_where_that_is_impossible(asked: ServerGroup, microversion: str) -> None:
    placement = Played(claims=[2], microversion=microversion)
    assert look(asked, placed_first(LOW), placement).agrees
    assert placement.asked == [uid("h1"), HIGH]
