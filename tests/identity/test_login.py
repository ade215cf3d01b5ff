"""Every login form that Keystone offers to a service carries a whole request, over TLS, with the role service alone."""

from collections.abc import Callable
from uuid import UUID, uuid4

import pytest

from placement_client.client import PlacementClient
from placement_client.testing import KeystoneServer, PlacementServer
from placement_client.testing.keystone import User
from scheduler import InvalidSettings, SchedulingUnavailable
from tests.flow.fleet import CONTEXT, SPEC, reservations
from tests.identity.conftest import Build

Section = Callable[[KeystoneServer, User], str]


def password(keystone: KeystoneServer, user: User) -> str:
    return keystone.password_section(user)


def application_credential(keystone: KeystoneServer, user: User) -> str:
    return keystone.application_credential_section(keystone.add_application_credential(user, "scheduler"))


def client_certificate(keystone: KeystoneServer, user: User) -> str:
    return keystone.certificate_section(user)


@pytest.mark.parametrize("login", [password, application_credential, client_certificate])
def test_a_login_places_and_claims(
    keystone: KeystoneServer, service_user: User, operator: PlacementClient, built: Build, login: Section
) -> None:
    """Over our own sockets, with nothing in between."""
    instance = uuid4()
    with built(login(keystone, service_user)) as scheduler:
        ((selection,),) = scheduler.select_destinations(CONTEXT, SPEC, [instance])
    assert operator.get_allocations(instance).amounts() == {selection.compute_node_uuid: {"VCPU": 2, "MEMORY_MB": 512}}
    assert reservations(operator) == 0


def test_somebody_elses_certificate_opens_nothing(
    keystone: KeystoneServer, service_user: User, tenant: User, hosts: list[UUID], built: Build
) -> None:
    """The mapping holds: the name in the certificate has to be that of the user who logs in."""
    own, foreign = keystone.certificate_section(service_user), keystone.issue_certificate(tenant.name)
    swapped = own.replace(str(keystone.directory / f"client-{service_user.name}.pem"), str(foreign))
    assert swapped != own
    refused(built, swapped)


def test_without_a_certificate_there_is_no_login(keystone: KeystoneServer, service_user: User, built: Build) -> None:
    """It is the certificate that counts: the same section without it gets no token."""
    section = keystone.certificate_section(service_user)
    refused(built, "".join(line for line in section.splitlines(True) if not line.startswith("certfile")))


def test_the_endpoint_of_a_certificate_login_has_to_be_https(
    keystone: KeystoneServer, service_user: User, built: Build
) -> None:
    """It is not the auth_url, and is checked as that is."""
    section = keystone.certificate_section(service_user).replace("oauth2_endpoint = https", "oauth2_endpoint = http")
    with pytest.raises(InvalidSettings, match="oauth2_endpoint"):
        built(section)


def test_a_wrong_password_is_an_outage_that_names_credentials(
    keystone: KeystoneServer, service_user: User, built: Build
) -> None:
    section = keystone.password_section(service_user).replace(service_user.password, "wrong")
    assert refused(built, section) == "not_authorized"


def refused(built: Build, section: str) -> str:
    """Expect that a scheduler with this section cannot place, and return why."""
    with built(section) as scheduler, pytest.raises(SchedulingUnavailable) as caught:
        scheduler.select_destinations(CONTEXT, SPEC, [uuid4()])
    return caught.value.reason


def test_both_servers_may_demand_client_certificates(
    keystone: KeystoneServer, service_user: User, mutual: PlacementServer, built: Build
) -> None:
    """Mutual TLS towards Placement, a password on top.

    With TLS 1.3 a server asks for the certificate when the request is already on its way, so the client cannot know.
    """
    certificate = f"certfile = {keystone.issue_certificate(service_user.name)}\n"
    override = f"endpoint_override = {mutual.url}\n"
    section = keystone.password_section(service_user) + override
    with built(section + certificate) as scheduler:
        assert scheduler.placement.list_resource_providers() == []
    assert refused(built, section) == "outcome_unknown"
