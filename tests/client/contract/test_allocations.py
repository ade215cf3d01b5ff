"""Allocations: generations, every refusal with 409, ghosts, and all or nothing."""

from typing import Any

import pytest

from placement_client.client import PlacementClient
from placement_client.errors import (
    BadRequest,
    CapacityExceeded,
    ConsumerConflict,
    PlacementError,
    UnknownProvider,
)
from placement_client.models import ConsumerAllocations, Inventory
from placement_client.testing import MockPlacement, RealPlacement
from tests.client.contract.fleet import Fleet, Http, claim, id_of, older

NOTHING = ConsumerAllocations({})
GHOST = {"allocations": {}, "project_id": "project", "user_id": "user", "consumer_type": "INSTANCE"}
ONE = {"host": {"VCPU": 1}}

pytestmark = pytest.mark.usefixtures("host")


@pytest.fixture
def host(fleet: Fleet) -> None:
    """Two hosts: one with constraints on its units, one plain."""
    fleet.add("host", {"VCPU": 8, "MEMORY_MB": Inventory(1024, min_unit=64, max_unit=512, step_size=64)})
    fleet.add("other", {"VCPU": 4})


def generation_of(client: PlacementClient, provider: str) -> int:
    """Return the generation of a provider."""
    return client.get_resource_provider(id_of(provider)).generation


def test_a_new_consumer(client: PlacementClient) -> None:
    """The first write has no generation; what was written can be read, at generation 1."""
    client.put_allocations(id_of("c"), claim({"host": {"VCPU": 2, "MEMORY_MB": 128}, "other": {"VCPU": 1}}))
    held = client.get_allocations(id_of("c"))
    assert held.amounts() == {id_of("host"): {"VCPU": 2, "MEMORY_MB": 128}, id_of("other"): {"VCPU": 1}}
    assert (held.consumer_generation, held.project_id, held.user_id) == (1, "project", "user")
    assert held.consumer_type == "INSTANCE"


def test_an_unknown_consumer_holds_nothing(client: PlacementClient) -> None:
    """It is never 404."""
    assert client.get_allocations(id_of("c")) == NOTHING


def test_a_write_moves_the_generation_of_its_providers(client: PlacementClient) -> None:
    """Each provider that is named moves by one, the others stay."""
    before = generation_of(client, "host"), generation_of(client, "other")
    client.put_allocations(id_of("c"), claim(ONE))
    assert (generation_of(client, "host"), generation_of(client, "other")) == (before[0] + 1, before[1])
    assert client.get_allocations(id_of("c")).allocations[id_of("host")].generation == before[0] + 1


def test_a_write_replaces_everything(client: PlacementClient) -> None:
    """What is not named any more is given back; owner and type follow."""
    client.put_allocations(id_of("c"), claim({"host": {"VCPU": 2, "MEMORY_MB": 64}}))
    client.put_allocations(id_of("c"), claim({"other": {"VCPU": 1}}, 1, consumer_type="MIGRATION"))
    held = client.get_allocations(id_of("c"))
    assert held.amounts() == {id_of("other"): {"VCPU": 1}}
    assert (held.consumer_generation, held.consumer_type) == (2, "MIGRATION")
    assert client.get_provider_usages(id_of("host")).usages == {"VCPU": 0, "MEMORY_MB": 0}


@pytest.mark.parametrize("generation", [None, 0, 2, 99])
def test_a_wrong_generation_of_an_existing_consumer(client: PlacementClient, generation: int | None) -> None:
    """Null, stale and future generations are refused, and nothing changes."""
    client.put_allocations(id_of("c"), claim(ONE))
    with pytest.raises(ConsumerConflict):
        client.put_allocations(id_of("c"), claim({"other": {"VCPU": 1}}, generation))
    assert client.get_allocations(id_of("c")).amounts() == {id_of("host"): {"VCPU": 1}}


@pytest.mark.parametrize("generation", [0, 1])
def test_a_generation_for_a_consumer_that_does_not_exist(client: PlacementClient, generation: int) -> None:
    """A number says that the consumer exists; it does not, and does not come to be."""
    with pytest.raises(ConsumerConflict):
        client.put_allocations(id_of("c"), claim(ONE, generation))
    client.put_allocations(id_of("c"), claim(ONE))


def test_the_same_write_twice_is_refused(client: PlacementClient) -> None:
    """A repeated creation is a conflict, not a success."""
    client.put_allocations(id_of("c"), claim(ONE))
    with pytest.raises(ConsumerConflict):
        client.put_allocations(id_of("c"), claim(ONE))


def test_empty_allocations_remove_the_consumer(client: PlacementClient) -> None:
    """Emptied with its generation, a consumer is gone; the next one of its UUID starts at 1 again."""
    client.put_allocations(id_of("c"), claim(ONE))
    before = generation_of(client, "host")
    client.put_allocations(id_of("c"), claim({}, 1))
    assert client.get_allocations(id_of("c")) == NOTHING
    assert generation_of(client, "host") == before + 1
    client.put_allocations(id_of("c"), claim(ONE))
    assert client.get_allocations(id_of("c")).consumer_generation == 1


def test_emptying_with_a_wrong_generation(client: PlacementClient) -> None:
    """Releasing what somebody else wrote meanwhile is refused."""
    client.put_allocations(id_of("c"), claim(ONE))
    with pytest.raises(ConsumerConflict):
        client.put_allocations(id_of("c"), claim({}, 2))
    with pytest.raises(ConsumerConflict):
        client.put_allocations(id_of("c"), claim({}))
    assert client.get_allocations(id_of("c")).amounts() == {id_of("host"): {"VCPU": 1}}


def test_emptying_twice(client: PlacementClient) -> None:
    """The second release meets no consumer: expected null."""
    client.put_allocations(id_of("c"), claim(ONE))
    client.put_allocations(id_of("c"), claim({}, 1))
    with pytest.raises(ConsumerConflict):
        client.put_allocations(id_of("c"), claim({}, 1))


def test_emptying_a_new_consumer_leaves_a_ghost(client: PlacementClient) -> None:
    """A ghost shows nothing and refuses new writes, except those that know its generation 0."""
    client.put_allocations(id_of("c"), claim({}))
    assert client.get_allocations(id_of("c")) == NOTHING
    with pytest.raises(ConsumerConflict):
        client.put_allocations(id_of("c"), claim(ONE))
    client.put_allocations(id_of("c"), claim(ONE, 0))
    assert client.get_allocations(id_of("c")).consumer_generation == 1


def test_an_unknown_provider_leaves_a_ghost(client: PlacementClient) -> None:
    """After a write to a provider that is gone, the new consumer cannot be created any more."""
    with pytest.raises(UnknownProvider):
        client.put_allocations(id_of("c"), claim({"nowhere": {"VCPU": 1}}))
    assert client.get_allocations(id_of("c")) == NOTHING
    with pytest.raises(ConsumerConflict):
        client.put_allocations(id_of("c"), claim(ONE))
    client.put_allocations(id_of("c"), claim(ONE, 0))


def test_an_unknown_provider_makes_ghosts_of_a_whole_batch(client: PlacementClient) -> None:
    """All new consumers of the request are ghosts then."""
    with pytest.raises(UnknownProvider):
        client.post_allocations({id_of("c"): claim(ONE), id_of("d"): claim({"nowhere": {"VCPU": 1}})})
    for name in ("c", "d"):
        with pytest.raises(ConsumerConflict):
            client.put_allocations(id_of(name), claim(ONE))


def test_an_unknown_class_leaves_no_ghost(client: PlacementClient) -> None:
    """An unknown resource class is 400, and the consumer can be created afterwards."""
    with pytest.raises(BadRequest):
        client.put_allocations(id_of("c"), claim({"host": {"CUSTOM_NONE": 1}}))
    client.put_allocations(id_of("c"), claim(ONE))


REFUSED = {
    "over capacity": {"host": {"VCPU": 9}},
    "below min_unit": {"host": {"MEMORY_MB": 32}},
    "above max_unit": {"host": {"MEMORY_MB": 576}},
    "off step_size": {"host": {"MEMORY_MB": 100}},
    "no such inventory": {"other": {"MEMORY_MB": 64}},
    "no such inventory beside one": {"other": {"MEMORY_MB": 64, "VCPU": 1}},
    "one of two providers": {"host": {"VCPU": 1}, "other": {"VCPU": 5}},
}


@pytest.mark.parametrize("wanted", REFUSED.values(), ids=REFUSED)
def test_no_room(client: PlacementClient, wanted: dict[str, dict[str, int]]) -> None:
    """What does not fit is refused whole, and the consumer can be created afterwards."""
    before = generation_of(client, "host")
    with pytest.raises(CapacityExceeded):
        client.put_allocations(id_of("c"), claim(wanted))
    assert client.get_allocations(id_of("c")) == NOTHING
    assert generation_of(client, "host") == before
    client.put_allocations(id_of("c"), claim(ONE))


def test_exactly_full(client: PlacementClient) -> None:
    """The last unit is given away, and one more is refused."""
    client.put_allocations(id_of("c"), claim({"host": {"VCPU": 7}}))
    client.put_allocations(id_of("d"), claim(ONE))
    with pytest.raises(CapacityExceeded):
        client.put_allocations(id_of("e"), claim(ONE))


def test_a_refused_replacement_changes_nothing(client: PlacementClient) -> None:
    """Owner, type, generation and amounts stay as they were."""
    client.put_allocations(id_of("c"), claim(ONE))
    before = client.get_allocations(id_of("c"))
    with pytest.raises(CapacityExceeded):
        client.put_allocations(id_of("c"), claim({"host": {"VCPU": 9}}, 1, consumer_type="OTHER"))
    assert client.get_allocations(id_of("c")) == before


def test_a_consumer_may_grow_into_what_it_holds(client: PlacementClient) -> None:
    """What a consumer holds does not count against its own replacement."""
    client.put_allocations(id_of("c"), claim({"host": {"VCPU": 6}}))
    client.put_allocations(id_of("c"), claim({"host": {"VCPU": 8}}, 1))
    assert client.get_provider_usages(id_of("host")).usages["VCPU"] == 8


def test_less_over_capacity_is_allowed(client: PlacementClient) -> None:
    """When an inventory shrank below its use, writes that make it no worse pass, and others do not."""
    client.put_allocations(id_of("c"), claim({"other": {"VCPU": 4}}))
    client.set_inventories(id_of("other"), generation_of(client, "other"), {"VCPU": Inventory(2)})
    client.put_allocations(id_of("c"), claim({"other": {"VCPU": 3}}, 1))
    with pytest.raises(CapacityExceeded):
        client.put_allocations(id_of("c"), claim({"other": {"VCPU": 4}}, 2))


def test_a_batch_is_written_whole(client: PlacementClient) -> None:
    """POST writes new and existing consumers together."""
    client.put_allocations(id_of("c"), claim(ONE))
    client.post_allocations({id_of("c"): claim({"other": {"VCPU": 2}}, 1), id_of("d"): claim({"host": {"VCPU": 8}})})
    assert client.get_allocations(id_of("c")).amounts() == {id_of("other"): {"VCPU": 2}}
    assert client.get_allocations(id_of("d")).amounts() == {id_of("host"): {"VCPU": 8}}


def test_two_that_fit_only_one_at_a_time(client: PlacementClient) -> None:
    """A batch whose sum does not fit is refused whole, and leaves no ghosts."""
    with pytest.raises(CapacityExceeded):
        client.post_allocations({id_of(name): claim({"host": {"VCPU": 5}}) for name in ("c", "d")})
    for name in ("c", "d"):
        assert client.get_allocations(id_of(name)) == NOTHING
        client.put_allocations(id_of(name), claim(ONE))


def test_one_wrong_generation_refuses_the_batch(client: PlacementClient) -> None:
    """Consumers made for a batch that meets a conflict are taken back."""
    client.put_allocations(id_of("c"), claim(ONE))
    with pytest.raises(ConsumerConflict):
        client.post_allocations({id_of("d"): claim(ONE), id_of("c"): claim(ONE, 7)})
    assert client.get_allocations(id_of("d")) == NOTHING
    client.put_allocations(id_of("d"), claim(ONE))


def test_a_move_is_capacity_neutral(client: PlacementClient) -> None:
    """At full use, one batch empties a reservation and fills an instance."""
    client.put_allocations(id_of("reservation"), claim({"host": {"VCPU": 8}}, consumer_type="SCHED_RESERVATION"))
    client.post_allocations({id_of("reservation"): claim({}, 1), id_of("c"): claim({"host": {"VCPU": 8}})})
    assert client.get_allocations(id_of("reservation")) == NOTHING
    assert client.get_allocations(id_of("c")).amounts() == {id_of("host"): {"VCPU": 8}}
    assert client.get_provider_usages(id_of("host")).usages["VCPU"] == 8


def test_a_move_splits_one_reservation(client: PlacementClient) -> None:
    """A reservation on several providers becomes one consumer on each."""
    client.put_allocations(id_of("reservation"), claim({"host": {"VCPU": 8}, "other": {"VCPU": 4}}))
    client.post_allocations({
        id_of("reservation"): claim({}, 1),
        id_of("c"): claim({"host": {"VCPU": 8}}),
        id_of("d"): claim({"other": {"VCPU": 4}}),
    })  # fmt: skip
    assert client.get_allocations(id_of("reservation")) == NOTHING
    assert client.get_allocations(id_of("d")).amounts() == {id_of("other"): {"VCPU": 4}}


def test_emptying_a_batch(client: PlacementClient) -> None:
    """Several consumers are removed together."""
    for name in ("c", "d"):
        client.put_allocations(id_of(name), claim(ONE))
    client.post_allocations({id_of(name): claim({}, 1) for name in ("c", "d")})
    assert client.get_provider_allocations(id_of("host")).allocations == {}


def test_an_empty_batch_is_refused(client: PlacementClient) -> None:
    """POST without a consumer is 400."""
    with pytest.raises(BadRequest):
        client.post_allocations({})


def test_mappings_are_accepted(client: PlacementClient) -> None:
    """A write may say which group a provider serves."""
    client.put_allocations(id_of("c"), claim(ONE, mappings={"": [id_of("host")]}))
    assert client.get_allocations(id_of("c")).amounts() == {id_of("host"): {"VCPU": 1}}


@pytest.mark.parametrize("version", ["1.28", "1.33", "1.34", "1.37", "1.38"])
def test_older_servers(placement: MockPlacement | RealPlacement, client: PlacementClient, version: str) -> None:
    """The client writes and reads at every microversion; a type that nobody could give is unknown later."""
    old = placement.client(lambda adapter: older(adapter, version))
    assert old.microversion == version
    old.put_allocations(id_of("c"), claim(ONE, mappings={"": [id_of("host")]}))
    old.post_allocations({id_of("c"): claim({"host": {"VCPU": 2}}, 1), id_of("d"): claim(ONE)})
    assert old.get_allocations(id_of("c")).consumer_generation == 2
    typed = "INSTANCE" if version == "1.38" else "unknown"
    assert client.get_allocations(id_of("c")).consumer_type == typed
    assert old.get_allocations(id_of("c")).consumer_type == (typed if version == "1.38" else None)


def test_the_details_of_a_conflict_say_which(http: Http) -> None:
    """The wordings that tell the conflicts apart."""
    path = f"/allocations/{id_of('c')}"
    new: dict[str, Any] = GHOST | {"consumer_generation": None}
    assert detail_of(http("PUT", path, new | {"consumer_generation": 3})).endswith("expected null but got 3")
    assert http("PUT", path, new).status_code == 204
    assert detail_of(http("PUT", path, new)).endswith("expected 0 but got None")
    over = GHOST | {"consumer_generation": 0, "allocations": {str(id_of("host")): {"resources": {"VCPU": 9}}}}
    assert "Unable to allocate inventory: " in detail_of(http("PUT", path, over))


def test_codes_of_conflicts(http: Http) -> None:
    """Room is undefined_code, a generation is concurrent_update."""
    path = f"/allocations/{id_of('c')}"
    over = GHOST | {"consumer_generation": None, "allocations": {str(id_of("host")): {"resources": {"VCPU": 9}}}}
    assert http("PUT", path, over).json()["errors"][0]["code"] == "placement.undefined_code"
    stale = GHOST | {"consumer_generation": 4}
    assert http("PUT", path, stale).json()["errors"][0]["code"] == "placement.concurrent_update"


def detail_of(response: Any) -> str:
    """Return what a refusal says."""
    assert response.status_code == 409
    detail: str = response.json()["errors"][0]["detail"]
    return detail.strip()


BAD_BODIES: dict[str, Any] = {
    "no body": None,
    "not JSON": b"{",
    "not UTF-8": b'{"allocations": "\xff"}',
    "NaN": b'{"allocations": {}, "project_id": "p", "user_id": "u", "consumer_generation": NaN, "consumer_type": "A"}',
    "no allocations": {"project_id": "p", "user_id": "u", "consumer_generation": None, "consumer_type": "A"},
    "no generation": GHOST,
    "an extra key": GHOST | {"consumer_generation": None, "extra": 1},
    "a generation as text": GHOST | {"consumer_generation": "1"},
    "an empty project": GHOST | {"consumer_generation": None, "project_id": ""},
    "a type in lower case": GHOST | {"consumer_generation": None, "consumer_type": "instance"},
    "no type": {key: value for key, value in GHOST.items() if key != "consumer_type"} | {"consumer_generation": None},
    "no mappings in mappings": GHOST | {"consumer_generation": None, "mappings": {}},
    "a provider that is no UUID": GHOST
    | {"consumer_generation": None, "allocations": {"x": {"resources": {"VCPU": 1}}}},
    "no resources": GHOST | {"consumer_generation": None, "allocations": {str(id_of("host")): {"resources": {}}}},
    "an amount of 0": GHOST
    | {"consumer_generation": None, "allocations": {str(id_of("host")): {"resources": {"VCPU": 0}}}},
}


@pytest.mark.parametrize("body", BAD_BODIES.values(), ids=BAD_BODIES)
def test_bad_bodies(http: Http, client: PlacementClient, body: Any) -> None:
    """A body of another form is 400 and leaves nothing behind."""
    response = http("PUT", f"/allocations/{id_of('c')}", body, Content_Type="application/json")
    assert response.status_code == 400
    assert response.json()["errors"][0]["code"] == "placement.undefined_code"
    client.put_allocations(id_of("c"), claim(ONE))


def test_what_is_too_new_is_refused(http: Http) -> None:
    """Mappings before 1.34 and a consumer type before 1.38 are 400."""
    path = f"/allocations/{id_of('c')}"
    plain = {key: value for key, value in GHOST.items() if key != "consumer_type"} | {"consumer_generation": None}
    mapped = plain | {"mappings": {"": [str(id_of("host"))]}}
    assert http("PUT", path, mapped, version="1.33").status_code == 400
    assert http("PUT", path, plain | {"consumer_type": "INSTANCE"}, version="1.37").status_code == 400
    assert http("PUT", path, mapped, version="1.34").status_code == 204


def test_delete_is_never_conditional(http: Http, client: PlacementClient) -> None:
    """Why the client has no DELETE: it removes whatever is there. Nothing there is 404, a ghost too."""
    path = f"/allocations/{id_of('c')}"
    assert http("DELETE", path).status_code == 404
    client.put_allocations(id_of("c"), claim(ONE))
    assert http("DELETE", path).status_code == 204
    client.put_allocations(id_of("c"), claim({}))
    assert http("DELETE", path).status_code == 404


def test_no_error_tells_more_than_it_must(client: PlacementClient) -> None:
    """No refusal repeats what the server said."""
    with pytest.raises(PlacementError) as caught:
        client.put_allocations(id_of("c"), claim({"nowhere": {"VCPU": 1}}))
    assert str(id_of("nowhere")) not in str(caught.value)
