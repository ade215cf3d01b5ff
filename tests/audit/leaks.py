"""Leaks made by hand on a real Placement: reservations of any age, orphans, and providers that shrank."""

import email.utils
import time
from collections.abc import Callable
from uuid import UUID, uuid4

import requests
import sqlalchemy as sa
from placement import db_api
from requests.adapters import BaseAdapter

from placement_client.client import PlacementClient
from placement_client.models import ConsumerWrite, Inventory, Resources
from placement_client.testing import RealPlacement
from scheduler.claims.bodies import CONSUMER_TYPE
from scheduler.settings import ClaimSettings

PROJECT = "reservations-of-the-scheduler"
SETTINGS = ClaimSettings(node_id="this-node", reservation_project_id=PROJECT)
OLD_S = 7200.0
TTL_S = 3600.0
ROOMY = {"VCPU": Inventory(total=64), "MEMORY_MB": Inventory(total=65536)}

Execute = Callable[[str, dict], object]


class Dated(BaseAdapter):
    """Adds the Date that every HTTP server but this in-process one sends."""

    def __init__(self, inner: BaseAdapter) -> None:
        super().__init__()
        self.inner = inner

    def send(self, request: requests.PreparedRequest, *arguments, **options) -> requests.Response:
        response = self.inner.send(request, *arguments, **options)
        response.headers["Date"] = email.utils.formatdate(time.time(), usegmt=True)
        return response

    def close(self) -> None:
        self.inner.close()


def dated_client(real: RealPlacement) -> PlacementClient:
    """Return a client whose answers are dated and pass through ``real.faults``."""
    return real.client(wrap=lambda _: Dated(real.faults), retry_attempts=1)


def provider_with(client: PlacementClient, vcpus: int = 16) -> UUID:
    """Create a provider with room."""
    provider = uuid4()
    client.create_resource_provider(f"host-{provider}", provider)
    client.set_inventories(provider, 0, {"VCPU": Inventory(total=vcpus)})
    return provider


def hold(
    client: PlacementClient,
    provider: UUID,
    *,
    project: str = PROJECT,
    user: str = "another-node",
    consumer_type: str = CONSUMER_TYPE,
    vcpus: int = 1,
) -> UUID:
    """Let a new consumer hold room; by default it is a reservation of another node."""
    consumer = uuid4()
    body = {provider: Resources({"VCPU": vcpus})}
    client.put_allocations(consumer, ConsumerWrite(body, project, user, consumer_type=consumer_type))
    return consumer


def in_process(statement: str, values: dict) -> None:
    """Change the database of the ``RealPlacement`` that is open."""
    with db_api.placement_context_manager.writer.get_engine().begin() as connection:
        connection.execute(sa.text(statement), values)


def in_file(url: str) -> Execute:
    """Return what changes the database of a ``PlacementServer``."""

    def execute(statement: str, values: dict) -> None:
        engine = sa.create_engine(url)
        with engine.begin() as connection:
            connection.execute(sa.text(statement), values)
        engine.dispose()

    return execute


def make_old(consumer: UUID, execute: Execute = in_process, seconds: float = OLD_S) -> UUID:
    """Let a consumer have held what it holds for so long."""
    since = time.strftime("%Y-%m-%d %H:%M:%S.000000", time.gmtime(time.time() - seconds))
    statement = "UPDATE allocations SET created_at = :since, updated_at = NULL WHERE consumer_id = :consumer"
    execute(statement, {"since": since, "consumer": str(consumer)})
    return consumer


def make_orphan(consumer: UUID, execute: Execute = in_process) -> UUID:
    """Leave the allocations of a consumer without the consumer, as two simultaneous first writes can."""
    execute("DELETE FROM consumers WHERE uuid = :consumer", {"consumer": str(consumer)})
    return consumer


def shrink(client: PlacementClient, provider: UUID, vcpus: int) -> None:
    """Take capacity away from under what is held."""
    generation = client.get_inventories(provider).resource_provider_generation
    client.set_inventories(provider, generation, {"VCPU": Inventory(total=vcpus)})
