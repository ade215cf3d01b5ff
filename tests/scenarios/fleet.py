"""Scenarios: a fleet and a request in YAML, and what the public face of the scheduler makes of them.

A scenario has ``hosts``, ``request``, ``instances`` (names; one by default), ``settings`` (of the ini), ``aggregates``
(metadata by name), ``rule`` (the weigher, then the only one enabled, or the prefilter that it shows), ``expect``:

* ``selected``: the host of the only instance, or a mapping of instance to host, or ``{any_of: [...]}`` hosts of which
  each instance gets one, no more than ``at_most`` (1) on each;
* ``offered``: the hosts that Placement offers;
* ``provider``: the provider that must hold the only instance; ``alternates``: the other hosts, in order;
* ``removed``: by filter, the stable reason and the number of hosts, of the last instance that was looked at;
* ``error`` and ``reason``, or ``error`` and ``problem`` (a part of the message).

A host has ``name``, ``inventory`` (16 VCPU, 16384 MEMORY_MB and 100 DISK_GB by default), ``used``, ``traits``,
``providers`` (nested ones, each with a name, inventory and traits), ``aggregates`` and any field of a hosts file;
``known: false`` leaves it out of that file. Names stand for UUIDs wherever those are asked for.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import yaml

from placement_client.client import PlacementClient
from placement_client.models import ConsumerWrite, Inventory, Resources
from placement_client.testing import MockPlacement, RealPlacement
from placement_client.testing.ini import ini_text
from scheduler import FilterScheduler, RequestContext, RequestSpec, SeededRandomSource, build, load_config
from scheduler.settings import DEFAULT_WEIGHERS as WEIGHERS
from tests.hosts.fleets import uid

USUAL = {"VCPU": 16, "MEMORY_MB": 16384, "DISK_GB": 100}
HERE = Path(__file__).parent
OF_FACTS = {"instances", "aggregates", "cell_uuid"}
OF_REQUESTS = {"members", "aggregates", "cell", "segments", "different_host", "same_host"}
NAMED = OF_FACTS | OF_REQUESTS
"""The fields that hold UUIDs, or lists of them; scenarios have names there."""

Served = MockPlacement | RealPlacement


class Host(msgspec.Struct, forbid_unknown_fields=True):
    """One host of a scenario: what Placement holds of it, and what the hosts file says."""

    name: str
    inventory: dict[str, int] = msgspec.field(default_factory=lambda: dict(USUAL))
    used: dict[str, int] = msgspec.field(default_factory=dict)
    traits: list[str] = msgspec.field(default_factory=list)
    providers: list["Host"] = msgspec.field(default_factory=list)
    aggregates: list[str] = msgspec.field(default_factory=list)
    known: bool = True
    facts: dict[str, Any] = msgspec.field(default_factory=dict)


class Expectation(msgspec.Struct, forbid_unknown_fields=True):
    """What must come out."""

    selected: Any = None
    offered: list[str] | None = None
    provider: str | None = None
    alternates: list[str] | None = None
    removed: dict[str, dict[str, int]] | None = None
    error: str | None = None
    reason: str | None = None
    problem: str | None = None


class Scenario(msgspec.Struct, forbid_unknown_fields=True):
    """A fleet, a request, and what is expected."""

    name: str
    hosts: list[Host]
    expect: Expectation
    desc: str = ""
    rule: str = ""
    request: dict[str, Any] = msgspec.field(default_factory=dict)
    instances: list[str] = msgspec.field(default_factory=lambda: ["i1"])
    settings: dict[str, dict[str, Any]] = msgspec.field(default_factory=dict)
    aggregates: dict[str, dict[str, str]] = msgspec.field(default_factory=dict)


def scenarios() -> Iterator[Scenario]:
    """Yield every scenario of the YAML files beside this one."""
    for path in sorted(HERE.glob("*.yaml")):
        yield from msgspec.convert(yaml.safe_load(path.read_text()), list[Scenario])


@dataclass
class Stage:
    """The Placement that holds a scenario's fleet, and the scheduler before it."""

    scheduler: FilterScheduler
    placement: PlacementClient
    request: RequestSpec
    names: dict[Any, str] = field(default_factory=dict)


def stage(scenario: Scenario, folder: Path, served: Served) -> Stage:
    """Put a scenario on an empty Placement."""
    placement = served.client()
    for host in scenario.hosts:
        create(placement, host, None)
    facts = [{"name": host.name, **named(host.facts)} for host in scenario.hosts if host.known]
    groups = [{"uuid": str(uid(name)), "name": name, "metadata": said} for name, said in scenario.aggregates.items()]
    (folder / "hosts.json").write_text(json.dumps({"hosts": facts, "aggregates": groups}))
    conf = load_config(write_ini(served, scenario, folder))
    scheduler = build(conf, random_source=SeededRandomSource(b"scenario"), http_adapter=served.faults)
    return Stage(
        scheduler, placement, request_of(scenario), {uid(name): name for name in provider_names(scenario.hosts)}
    )


def write_ini(served: Served, scenario: Scenario, folder: Path) -> str:
    """Write the ini of a scheduler that reads the hosts file; ties stay in order unless a scenario shuffles them."""
    usual = {
        "hosts": {"source": "file", "hosts_file": str(folder / "hosts.json")},
        "filter_scheduler": {"shuffle_best_same_weighed_hosts": "false"},
        "scheduler": {"max_attempts": "10"},
        "claims": {"max_rounds": "1"},
        "journal": {"connection": "memory://"},
    }
    if scenario.rule in WEIGHERS:
        usual["filter_scheduler"] |= {"enabled_weighers": scenario.rule}
    wanted = {name: {key: str(value) for key, value in said.items()} for name, said in scenario.settings.items()}
    ini = folder / "scheduler.ini"
    ini.write_text(served.ini() + "\n" + ini_text(usual, wanted))
    return str(ini)


def create(placement: PlacementClient, host: Host, parent: str | None) -> None:
    """Create a provider with what it has, what is used of it, and its children."""
    provider = uid(host.name)
    created = placement.create_resource_provider(host.name, provider, uid(parent) if parent else None)
    inventories = {name: Inventory(total) for name, total in host.inventory.items()}
    generation = placement.set_inventories(provider, created.generation, inventories).resource_provider_generation
    for trait in (trait for trait in host.traits if trait.startswith("CUSTOM_")):
        placement.create_trait(trait)
    generation = placement.set_provider_traits(provider, generation, host.traits).resource_provider_generation or 0
    placement.set_aggregates(provider, generation, [uid(name) for name in host.aggregates])
    if host.used:
        held = ConsumerWrite({provider: Resources(host.used)}, "others", "others")
        placement.put_allocations(uid(f"used on {host.name}"), held)
    for child in host.providers:
        create(placement, child, host.name)


def provider_names(hosts: list[Host]) -> Iterator[str]:
    """Yield the names of all providers."""
    for host in hosts:
        yield host.name
        yield from provider_names(host.providers)


def named(value: Any) -> Any:
    """Return facts or a request in which UUIDs stand where there are names for them."""
    if isinstance(value, dict):
        return {key: uuids_in(one) if key in NAMED else named(one) for key, one in value.items()}
    return [named(one) for one in value] if isinstance(value, list) else value


def request_of(scenario: Scenario) -> RequestSpec:
    """Return the request; one VCPU and 512 MiB for project p unless the scenario says otherwise."""
    fields = {"flavor": {}, "project_id": "p", "user_id": "u", **named(scenario.request)}
    fields["flavor"] = {"vcpus": 1, "memory_mb": 512, **fields["flavor"]}
    return RequestSpec.from_json(json.dumps(fields | {"num_instances": len(scenario.instances)}))


def uuids_in(names: Any) -> Any:
    """Return a name, or a list of names or of such lists, in which the names are UUIDs."""
    return str(uid(names)) if isinstance(names, str) else [uuids_in(one) for one in names]


CONTEXT = RequestContext(project_id="p", user_id="u", is_elevated=True, request_id=f"req-{uid('request')}")
