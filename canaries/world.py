"""A world in which everything has a marker: configuration, fleet, requests, environment; and schedulers in it."""

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
from requests.adapters import BaseAdapter

from canaries.markers import Mint
from canaries.wire import IDENTITY_HOST, Identity, Wire
from placement_client.client import PlacementClient
from placement_client.models import Inventory
from placement_client.testing.faults import FaultAdapter
from placement_client.testing.ini import ini_text
from scheduler import FilterScheduler, Flavor, RequestContext, RequestSpec, build, load_config
from scheduler.events import Event
from scheduler.events.limits import RateLimits
from scheduler.model import Destination, Image, RequestGroup, ServerGroup

HOSTS = 6
ROOM = {"VCPU": Inventory(total=1000), "MEMORY_MB": Inventory(total=1 << 20)}


@dataclass(frozen=True, slots=True)
class Host:
    """One host of the fleet."""

    name: str
    node: str
    uuid: UUID


class Unlimited(RateLimits):
    """Lets every event through, so that every one is searched."""

    def admit(self, event: Event) -> int | None:
        """Hold nothing back."""
        return 0


class World:
    """A fleet on one Placement, the files of an operator below ``directory``, and schedulers that use them."""

    def __init__(self, mint: Mint, placement: BaseAdapter, directory: Path, *, role: str = "") -> None:
        self.mint = mint
        self.directory = directory
        self.faults = FaultAdapter(Wire(Identity(mint, role), placement))
        self.hosts = [Host(mint.word("host"), mint.word("node"), mint.uuid("provider")) for _ in range(HOSTS)]
        self.aggregate = mint.uuid("aggregate")
        self.zone = mint.word("zone")
        self.trait, self.resource = mint.name("trait"), mint.name("capability")
        self.capability = (mint.word("capability"), mint.word("capability"))
        self.project, self.user = mint.word("project"), mint.word("user")
        self._password = mint.word("password")
        self._service = {name: mint.word("service user") for name in ("username", "user_domain_name", "project_name")}
        self._node, self._reservations = mint.word("node"), mint.word("project")
        self._seed = mint.word("seed")
        self._write_files()

    def load(self, client: PlacementClient) -> None:
        """Create the fleet in Placement."""
        client.create_trait(self.trait)
        client.create_resource_class(self.resource)
        for host in self.hosts:
            client.create_resource_provider(host.node, host.uuid)
            client.set_inventories(host.uuid, 0, ROOM | {self.resource: Inventory(total=1000)})
            client.set_provider_traits(host.uuid, 1, [self.trait])
            client.set_aggregates(host.uuid, 2, [self.aggregate])

    def scheduler(self, *, more: dict[str, dict[str, str]] | None = None, **given: Any) -> FilterScheduler:
        """Return a scheduler that was built as a service builds it; ``more`` are options by section."""
        file = self.directory / "scheduler.ini"
        file.write_text(ini_text(self.options(), more or {}))
        scheduler = build(load_config(str(file)), http_adapter=self.faults, **given)
        scheduler.log._limits = Unlimited(scheduler.clock)
        return scheduler

    def options(self) -> dict[str, dict[str, str]]:
        """Return the configuration, by section."""
        directory = self.directory
        return {
            "placement": self._login() | {"retry_base": "0.0001", "retry_cap": "0.001"},
            "claims": {
                "node_id": self._node,
                "reservation_project_id": self._reservations,
                "backoff_base": "0.001",
                "backoff_cap": "0.001",
                "quarantine": "0.02",
                "release_timeout": "0.2",
                "drain_timeout": "0.05",
                "recovery_timeout": "0.2",
            },
            "journal": {"connection": "memory://"},
            "explain": {"record_dir": str(directory / "records"), "max_records": "50", "probes": "2"},
            "hosts": {"source": "file", "hosts_file": str(directory / "hosts.json")},
            "randomness": {"source": "seeded", "seed": self._seed, "allow_seeded": "true"},
            "logging": {"pseudonym_key_file": str(directory / "key")},
        }

    def context(self, **changed: Any) -> RequestContext:
        """Return a context with a request id of its own."""
        given: dict[str, Any] = {"roles": (self.mint.word("user"),)}
        given |= {"request_id": f"req-{self.mint.uuid('request')}", "is_elevated": True} | changed
        return RequestContext(project_id=self.project, user_id=self.user, **given)

    def instances(self, batch: int) -> list[UUID]:
        """Return instances that never were before."""
        return [self.mint.uuid("instance") for _ in range(batch)]

    def request(self, **changed: Any) -> RequestSpec:
        """Return a request that fits, with a marker wherever it has text."""
        return RequestSpec(**(self._parts() | changed))

    def small_request(self) -> RequestSpec:
        """Return a request that fits whatever host."""
        return self.request(image=None, flavor=self.flavor(extra_specs={}), requested_resources=(), group_policy=None)

    def flavor(self, **changed: Any) -> Flavor:
        """Return a small flavor; its extra specs ask for a capability that every host has."""
        extra = {f"capabilities:{self.capability[0]}": self.capability[1], f"quota:{self._node}": self._node}
        parts: dict[str, Any] = {"name": self.mint.word("flavor"), "vcpus": 1, "memory_mb": 64, "extra_specs": extra}
        return Flavor(**(parts | changed))

    def _parts(self) -> dict[str, Any]:
        group = RequestGroup(requester_id=self.mint.word("group"), resources={self.resource: 1})
        properties = {f"os_{self.mint.word('image property')}": self.mint.word("image property")}
        return {
            "project_id": self.project,
            "user_id": self.user,
            "flavor": self.flavor(),
            "image": Image(id=self.mint.word("image"), properties=properties, traits_required=(self.trait,)),
            "ignore_hosts": (self.mint.word("host"),),
            "instance_group": ServerGroup(policy="anti-affinity", members=(self.mint.uuid("instance"),)),
            "requested_destination": Destination(aggregates=((self.aggregate,),)),
            "requested_resources": (group,),
            "group_policy": "none",
        }

    def _login(self) -> dict[str, str]:
        return {
            "auth_type": "v3password",
            "auth_url": f"https://{IDENTITY_HOST}/v3",
            "password": self._password,
            "project_domain_name": self._service["user_domain_name"],
            "endpoint_override": "https://placement.test",
            **self._service,
        }

    def _write_files(self) -> None:
        (self.directory / "hosts.json").write_bytes(msgspec.json.encode(self._hosts_file()))
        key = self.directory / "key"
        key.touch(0o600)
        key.write_text(self.mint.word("pseudonym key") + self.mint.word("pseudonym key"))

    def _hosts_file(self) -> dict[str, Any]:
        facts = [
            {
                "name": host.name,
                "node": host.node,
                "provider_uuid": str(host.uuid),
                "instances": [str(self.mint.uuid("instance"))],
                "host_ip": self.mint.word("address"),
                "stats": {self.capability[0]: self.capability[1], self.mint.word("capability"): "1"},
                "cpu_info": {"model": self.mint.word("capability")},
                "aggregates": [str(self.aggregate)],
            }
            for host in self.hosts
        ]
        return {"hosts": facts, "aggregates": [{"uuid": str(self.aggregate), "name": self.zone}]}


@contextlib.contextmanager
def marked_environment(mint: Mint) -> Iterator[None]:
    """Put markers where other programs look for credentials, proxies and certificates."""
    proxy = f"http://user:{mint.word('proxy password')}@{mint.word('address')}.test:1"
    names = ("OS_PASSWORD", "OS_TOKEN", "OS_APPLICATION_CREDENTIAL_SECRET", "PGPASSWORD", "NETRC", "SSLKEYLOGFILE")
    values = {name: f"/{mint.word('environment password')}" for name in names}
    values |= dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "https_proxy", "ALL_PROXY"), proxy)
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.__setitem__(name, value)
