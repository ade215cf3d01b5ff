"""A token may end at any call of a request: it is renewed once, the request succeeds, and nothing is left behind."""

import datetime as dt
import time
from collections.abc import Callable
from uuid import uuid4

import pytest
import requests

from placement_client.client import PlacementClient
from placement_client.testing import Call, Fault, FaultAdapter, KeystoneServer, Script
from placement_client.testing.faults import Forward, no_faults, on_call
from placement_client.testing.keystone import User
from scheduler import FilterScheduler
from tests.flow.fleet import CONTEXT, SPEC, reservations
from tests.identity.conftest import Build

Run = Callable[[FilterScheduler, PlacementClient], None]
TOKEN = "X-Auth-Token"


def placed(scheduler: FilterScheduler, operator: PlacementClient) -> None:
    """Place an instance, which then holds what was selected."""
    instance = uuid4()
    ((selection,),) = scheduler.select_destinations(CONTEXT, SPEC, [instance])
    assert set(operator.get_allocations(instance).amounts()) == {selection.compute_node_uuid}


def released(scheduler: FilterScheduler, operator: PlacementClient) -> None:
    """Reserve for an instance, change one's mind, and hold nothing."""
    instance = uuid4()
    with scheduler.reserve(CONTEXT, SPEC, [instance]):
        pass
    assert operator.get_allocations(instance).amounts() == {}


@pytest.fixture(scope="session")
def expired_token(keystone: KeystoneServer) -> str:
    """A token of a service user whose time is over, as Keystone itself sees it."""
    user = keystone.add_user("short-lived", "service")
    end = dt.datetime.now(dt.UTC) + dt.timedelta(seconds=3)
    credential = keystone.add_application_credential(user, "short", end.strftime("%Y-%m-%dT%H:%M:%S"))
    token = keystone.token_with(credential)
    time.sleep(max(0.0, (end - dt.datetime.now(dt.UTC)).total_seconds()) + 0.1)
    return token


@pytest.fixture(params=["revoked", "expired"])
def ended(request: pytest.FixtureRequest, keystone: KeystoneServer) -> Fault:
    """What ends the token that a call carries, just before it gets to the server."""

    def revoked(call: requests.PreparedRequest, forward: Forward) -> requests.Response:
        if TOKEN in call.headers:
            keystone.revoke(call.headers[TOKEN])
        return forward()

    def expired(call: requests.PreparedRequest, forward: Forward) -> requests.Response:
        if TOKEN in call.headers:
            call.headers[TOKEN] = request.getfixturevalue("expired_token")
        return forward()

    return {"revoked": revoked, "expired": expired}[request.param]


def logins(calls: list[Call]) -> int:
    return sum(str(call) == "POST /v3/auth/tokens" for call in calls)


def kind_of(call: Call) -> str:
    """Return the method and the first step of the path, which holds no id."""
    return f"{call.method} {call.path.split('/')[1]}"


@pytest.mark.parametrize("run", [placed, released])
def test_a_token_that_ends_at_any_call_is_renewed_once(
    keystone: KeystoneServer,
    service_user: User,
    operator: PlacementClient,
    network: FaultAdapter,
    built: Build,
    ended: Fault,
    run: Run,
) -> None:
    """Each call of an undisturbed run is the one at which the token ends, in a run of its own."""
    section = keystone.password_section(service_user)

    def calls_of(script: Script) -> list[Call]:
        network.play(script)
        with built(section, http_adapter=network) as scheduler:
            run(scheduler, operator)
        assert reservations(operator) == 0
        return network.calls

    undisturbed = calls_of(no_faults)
    assert {"GET allocation_candidates", "POST allocations"} < {kind_of(call) for call in undisturbed}
    for number, call in enumerate(undisturbed, start=1):
        if call.path != "/" and not call.path.startswith("/v3"):  # a token is looked at
            assert (kind_of(call), logins(calls_of(on_call(number, ended)))) == (kind_of(call), 2)
