"""The role service is enough for everything that is done here; a tenant's role is refused by its name."""

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from faults.proxy import FaultProxy
from placement_client.client import PlacementClient
from placement_client.clock import SYSTEM_CLOCK
from placement_client.testing import KeystoneServer, PlacementServer
from placement_client.testing.keystone import User
from scheduler import Flavor, NoValidHost, RequestSpec, SchedulingUnavailable
from scheduler.claims.survey import audit, heal
from scheduler.cli.check import findings
from tests.cli.conftest import COMMAND, ENVIRONMENT
from tests.flow.fleet import CONTEXT, SPEC, reservations
from tests.identity.conftest import Build

HUGE = RequestSpec(flavor=Flavor(vcpus=10**6, memory_mb=64), project_id="tenant", user_id="somebody")
PROBING = "[explain]\nprobes = 4\n"


@pytest.fixture
def proxy(placement: PlacementServer) -> Iterator[FaultProxy]:
    """What stands before Placement and notes every call, byte for byte."""
    with FaultProxy(placement.port, placement.cafile) as running:
        yield running


@pytest.fixture
def section(keystone: KeystoneServer, service_user: User, proxy: FaultProxy, tmp_path: Path) -> str:
    """The section of a service user whose calls to Placement go through the proxy."""
    bundle = tmp_path / "bundle.pem"
    bundle.write_bytes(keystone.cafile.read_bytes() + proxy.cafile.read_bytes())
    plain = keystone.password_section(service_user).replace(str(keystone.cafile), str(bundle))
    return f"{plain}endpoint_override = {proxy.url}\n"


def silent(*_: object) -> None:
    """Tell nobody how far it is."""


def status_of(reply: bytes) -> int:
    return int(reply.split(b" ", 2)[1])


def test_the_role_service_is_enough_for_every_call(
    section: str, proxy: FaultProxy, operator: PlacementClient, built: Build
) -> None:
    """Scheduling, releasing, probing, recovering, auditing, healing and checking: nothing is 401 or 403."""
    with built(section, PROBING) as scheduler:
        scheduler.recover()
        scheduler.select_destinations(CONTEXT, SPEC, [uuid4()], return_alternates=True)
        with pytest.raises(NoValidHost):
            scheduler.select_destinations(CONTEXT, HUGE, [uuid4()])
        with scheduler.reserve(CONTEXT, SPEC, [uuid4()]):
            placement, claims = scheduler.placement, scheduler.settings.claims
            found = audit(placement, claims, frozenset, silent).reservations
            SYSTEM_CLOCK.sleep(1.1)  # the server's clock, by which a reservation has an age, counts seconds
            assert [one.outcome for one in heal(placement, claims, found, 0.0, silent)] == ["released"]
        assert all(finding.ok for finding in findings(placement))
    assert reservations(operator) == 0
    assert {exchange.title for exchange in proxy.exchanges if status_of(exchange.reply) in (401, 403)} == set()
    kinds = {exchange.title.partition("/")[0] + exchange.title.split("/")[1] for exchange in proxy.exchanges}
    assert kinds == {
        "GET ",
        "GET resource_providers",
        "GET allocation_candidates",
        "POST allocations",
        "PUT allocations",
        "GET allocations",
    }


def test_a_tenant_cannot_schedule(keystone: KeystoneServer, tenant: User, hosts: object, built: Build) -> None:
    with built(keystone.password_section(tenant)) as scheduler, pytest.raises(SchedulingUnavailable) as caught:
        scheduler.select_destinations(CONTEXT, SPEC, [uuid4()])
    assert caught.value.reason == "not_authorized"


def test_check_names_the_role_that_a_tenant_lacks(
    keystone: KeystoneServer, tenant: User, hosts: object, ini: Callable[..., Path]
) -> None:
    file = ini(keystone.password_section(tenant))
    done = subprocess.run(
        [*COMMAND, "--config-file", str(file), "check"],
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    lines = dict(line[6:].split(": ", 1) for line in done.stdout.splitlines())
    failed = {line[6:].partition(":")[0] for line in done.stdout.splitlines() if line.startswith("FAIL")}
    assert (done.returncode, failed) == (4, {"hosts", "candidates", "claims"})
    assert all("the role service" in lines[name] for name in failed)
    assert tenant.password not in done.stdout + done.stderr
