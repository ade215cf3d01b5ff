"""Faults by call: what each does to a server, what the client makes of it, and that the wordings are the real ones."""

from uuid import UUID

import pytest

from placement_client.client import PlacementClient
from placement_client.errors import (
    BadAnswer,
    CapacityExceeded,
    ConsumerConflict,
    NotAuthorized,
    NotSent,
    OutcomeUnknown,
    PlacementError,
    ProviderConflict,
    UnknownProvider,
)
from placement_client.models import Inventory
from placement_client.testing import Fault, MockPlacement, RealPlacement, faults
from tests.client.contract.fleet import Fleet, Http, claim, id_of

WRITES = {
    "not_sent": (NotSent, False),
    "reset_before_apply": (OutcomeUnknown, False),
    "reset_after_apply": (OutcomeUnknown, True),
    "timeout_before_apply": (OutcomeUnknown, False),
    "timeout_after_apply": (OutcomeUnknown, True),
    "internal_error": (OutcomeUnknown, False),
    "internal_error_after_apply": (OutcomeUnknown, True),
    "unavailable": (OutcomeUnknown, False),
    "bad_gateway": (OutcomeUnknown, False),
    "bad_gateway_after_apply": (OutcomeUnknown, True),
    "gateway_timeout": (OutcomeUnknown, False),
    "gateway_timeout_after_apply": (OutcomeUnknown, True),
    "conflict_from_proxy": (OutcomeUnknown, False),
    "wrong_version": (OutcomeUnknown, True),
    "no_version": (OutcomeUnknown, True),
    "unauthorized": (NotAuthorized, False),
    "forbidden": (NotAuthorized, False),
    "capacity_exceeded": (CapacityExceeded, False),
    "unit_violated": (CapacityExceeded, False),
    "no_inventory": (CapacityExceeded, False),
    "provider_conflict": (ProviderConflict, False),
    "consumer_race": (ConsumerConflict, False),
    "unknown_provider": (UnknownProvider, False),
}
READS = {
    "not_sent": NotSent,
    "reset_after_apply": OutcomeUnknown,
    "wrong_version": BadAnswer,
    "no_version": BadAnswer,
    "empty_body": BadAnswer,
    "garbage_body": BadAnswer,
    "conflict_from_proxy": BadAnswer,
}


@pytest.fixture
def host(fleet: Fleet) -> None:
    """One host."""
    fleet.add("host", {"VCPU": 8})


@pytest.mark.parametrize(("name", "expected", "applied"), [(name, *case) for name, case in WRITES.items()])
def test_a_fault_of_a_write(
    placement: MockPlacement | RealPlacement,
    client: PlacementClient,
    host: None,
    name: str,
    expected: type[PlacementError],
    applied: bool,
) -> None:
    """Each fault is seen as what it is, and the server acted or did not."""
    placement.faults.play(faults.every(getattr(faults, name)))
    with pytest.raises(expected) as caught:
        client.put_allocations(id_of("c"), claim({"host": {"VCPU": 1}}))
    assert type(caught.value) is expected
    placement.faults.play()
    assert bool(client.get_allocations(id_of("c")).allocations) is applied


@pytest.mark.parametrize(("name", "expected"), READS.items())
def test_a_fault_of_a_read(
    placement: MockPlacement | RealPlacement, client: PlacementClient, name: str, expected: type[PlacementError]
) -> None:
    """A read that cannot be believed is never an answer."""
    client.negotiate()
    placement.faults.play(faults.every(getattr(faults, name)))
    with pytest.raises(expected):
        client.get_allocations(id_of("c"))


@pytest.mark.parametrize("applied", [False, True])
@pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemExit(3)])
def test_exceptions_that_are_no_errors_pass_through(
    placement: MockPlacement | RealPlacement,
    client: PlacementClient,
    host: None,
    error: BaseException,
    applied: bool,
) -> None:
    """An interrupt reaches the caller as it is, before or after the server acted."""
    placement.faults.play(faults.on_call(1, faults.raises(error, after_apply=applied)))
    with pytest.raises(type(error)):
        client.put_allocations(id_of("c"), claim({"host": {"VCPU": 1}}))
    assert bool(client.get_allocations(id_of("c")).allocations) is applied


def test_scripts_pick_calls(placement: MockPlacement | RealPlacement, client: PlacementClient) -> None:
    """By number, by several numbers, by what is called; and all calls are recorded without their query."""
    client.negotiate()
    placement.faults.play(faults.on_calls({1: faults.bad_gateway, 3: faults.reset_before_apply}))
    outcomes = [failed(client) for _ in range(4)]
    assert outcomes == [True, False, True, False]
    placement.faults.play(faults.when(lambda call: call.path.startswith("/resource"), faults.not_sent))
    assert not failed(client)
    with pytest.raises(NotSent):
        client.list_resource_providers()
    assert [str(call) for call in placement.faults.calls] == ["GET /traits", "GET /resource_providers"]
    assert [call.number for call in placement.faults.calls] == [1, 2]


def failed(client: PlacementClient) -> bool:
    """Tell whether a read, of a path with a query, fails."""
    try:
        client.list_traits(["HW_CPU_X86_AVX2"])
    except PlacementError:
        return True
    return False


def refusal(http: Http, provider: UUID, resources: dict[str, int], generation: int | None = None) -> tuple[str, str]:
    """Return code and wording of the refusal of a write to the server."""
    body = {
        "allocations": {str(provider): {"resources": resources}},
        "project_id": "p",
        "user_id": "u",
        "consumer_generation": generation,
        "consumer_type": "INSTANCE",
    }
    return shown(http("PUT", f"/allocations/{id_of('fresh')}", body).json(), str(provider))


def invented(fault: Fault, placement: MockPlacement | RealPlacement) -> tuple[str, str]:
    """Return code and wording of a fault."""
    answer = Http(faults.FaultAdapter(placement.adapter, faults.every(fault)))("GET", "/resource_providers")
    return shown(answer.json(), "00000000-0000-4000-8000-000000000000")


def shown(body: dict[str, list[dict[str, str]]], provider: str) -> tuple[str, str]:
    """Return code and wording; the wording without the general sentence before it and with no provider's name."""
    (error,) = body["errors"]
    return error["code"], error["detail"].partition("\n\n")[2].strip().replace(provider, "PROVIDER")


def test_faults_are_worded_as_the_real_server_does(
    placement: MockPlacement | RealPlacement, fleet: Fleet, http: Http, host: None
) -> None:
    """Codes and wordings of the invented refusals are those of the server."""
    tight, bare = fleet.add("tight", {"VCPU": Inventory(8, max_unit=4)}), fleet.add("bare", {"DISK_GB": 1})
    here, nowhere = id_of("host"), id_of("nowhere")
    assert invented(faults.capacity_exceeded, placement) == refusal(http, here, {"VCPU": 9})
    assert invented(faults.unit_violated, placement) == refusal(http, tight, {"VCPU": 5})
    assert invented(faults.no_inventory, placement) == refusal(http, bare, {"VCPU": 1})
    assert invented(faults.consumer_conflict(None, 7), placement) == refusal(http, here, {"VCPU": 1}, 7)
    assert invented(faults.unknown_provider, placement) == refusal(http, nowhere, {"VCPU": 1})
    assert invented(faults.consumer_conflict(0, None), placement) == refusal(http, here, {"VCPU": 1})
