"""Who is locked out in the middle of a request gets a clear refusal, and nothing of it stays once the door is open."""

from collections.abc import Callable
from uuid import uuid4

import pytest
import requests

from placement_client.client import PlacementClient
from placement_client.clock import SYSTEM_CLOCK, Deadline
from placement_client.errors import NotAuthorized
from placement_client.testing import Call, Fault, FaultAdapter, KeystoneServer, Script
from placement_client.testing.faults import Forward, on_call
from placement_client.testing.keystone import User
from scheduler import ClaimInDoubt, FilterScheduler, SchedulingUnavailable
from scheduler.claims import Figures
from tests.flow.fleet import CONTEXT, SPEC, reservations
from tests.identity.conftest import Build

NOTHING = Figures(0, 0, 0)


def before(step: Callable[[], None]) -> Fault:
    """Return a fault that does something at Keystone just before a call gets to its server."""

    def fault(request: requests.PreparedRequest, forward: Forward) -> requests.Response:
        step()
        return forward()

    return fault


def settled(scheduler: FilterScheduler, operator: PlacementClient) -> bool:
    """Tell whether after a while no claim is left to settle, and no reservation."""
    deadline = Deadline.after(20.0)
    while scheduler.figures() != NOTHING and not deadline.expired():
        scheduler.settle()
        SYSTEM_CLOCK.sleep(0.02)
    return reservations(operator) == 0


@pytest.mark.parametrize("path", ["/resource_providers", "/allocation_candidates", "/allocations"])
def test_a_user_who_is_disabled_at_a_call_claims_nothing(
    keystone: KeystoneServer,
    service_user: User,
    operator: PlacementClient,
    network: FaultAdapter,
    built: Build,
    path: str,
) -> None:
    instance = uuid4()
    with built(keystone.password_section(service_user), http_adapter=network) as scheduler:
        network.play(at(path, 1, before(lambda: keystone.enable(service_user, enabled=False))))
        with pytest.raises(SchedulingUnavailable) as caught:
            scheduler.select_destinations(CONTEXT, SPEC, [instance])
        assert (caught.value.reason, caught.value.__context__) == ("not_authorized", None)
        assert operator.get_allocations(instance).amounts() == {}
        network.play()
        keystone.enable(service_user)
        assert settled(scheduler, operator)
    assert operator.get_allocations(instance).amounts() == {}


def test_a_user_who_is_disabled_at_the_confirmation_is_in_doubt_until_enabled_again(
    keystone: KeystoneServer, service_user: User, operator: PlacementClient, network: FaultAdapter, built: Build
) -> None:
    """Nobody can look whether it was carried out; then somebody can, and the instance holds what the journal says."""
    instance = uuid4()
    with built(keystone.password_section(service_user), http_adapter=network) as scheduler:
        network.play(at("/allocations", 2, before(lambda: keystone.enable(service_user, enabled=False))))
        with pytest.raises(ClaimInDoubt) as caught:
            scheduler.select_destinations(CONTEXT, SPEC, [instance])
        network.play()
        keystone.enable(service_user)
        assert settled(scheduler, operator)
        outcome = scheduler.outcome(caught.value.request_id)
    assert (outcome, bool(operator.get_allocations(instance).amounts())) in (("committed", True), ("aborted", False))


def at(path: str, time: int, fault: Fault) -> Script:
    """Let the n-th call to a path meet the fault."""
    met: list[Call] = []

    def script(call: Call) -> Fault | None:
        met.extend([call] if call.path == path else [])
        return fault if call.path == path and len(met) == time else None

    return script


def test_a_deleted_application_credential_is_refused_and_claims_nothing(
    keystone: KeystoneServer, service_user: User, operator: PlacementClient, network: FaultAdapter, built: Build
) -> None:
    credential = keystone.add_application_credential(service_user, "scheduler")
    deleted = before(lambda: keystone.delete_application_credential(service_user, credential))
    section = keystone.application_credential_section(credential)
    with built(section, http_adapter=network) as scheduler:
        scheduler.placement.list_resource_providers()
        network.play(on_call(1, deleted))
        with pytest.raises(SchedulingUnavailable) as caught:
            scheduler.select_destinations(CONTEXT, SPEC, [uuid4()])
    assert caught.value.reason == "not_authorized"
    assert reservations(operator) == 0


def test_the_refusal_says_what_was_refused_and_holds_no_secret(
    keystone: KeystoneServer, service_user: User, network: FaultAdapter, built: Build
) -> None:
    with built(keystone.password_section(service_user), http_adapter=network) as scheduler:
        keystone.enable(service_user, enabled=False)
        with pytest.raises(NotAuthorized) as caught:
            scheduler.placement.list_resource_providers()
    text = f"{caught.value} {vars(caught.value)}"
    assert "The identity service refused the credentials" in text
    assert not [secret for secret in (service_user.password, service_user.name, keystone.url) if secret in text]
