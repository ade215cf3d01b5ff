"""Runs inside Nova's own virtual environment: Nova's scheduler, asked by lines of JSON on standard input.

    python -P nova_driver.py URL CAFILE READ_TIMEOUT

What decides and claims is Nova's: ``SchedulerManager.select_destinations`` and ``SchedulerReportClient`` with the
adapter that Nova builds from its configuration. The database, the message bus and the host manager are replaced by the
few lines below: every host passes, and is weighed by free memory. Pauses between Nova's own attempts are left out.

A question is ``{"instances": [uuid, ...], "fail_last": bool}``; with ``fail_last``, no host passes for the last
instance, so that Nova cleans up what it claimed for the others. The answer is ``{"hosts": {instance: provider}}`` or
``{"raised": name of the exception}``.
"""

# mypy: disable-error-code="import-not-found"
# Nova is installed only where this runs.

from __future__ import annotations  # nova.objects has its classes only once they are registered

import json
import sys
import types
from collections.abc import Iterable, Iterator

import nova.conf
import oslo_messaging
from keystoneauth1 import loading
from nova import context, objects
from nova.compute import utils as compute_utils
from nova.scheduler import host_manager, manager
from nova.scheduler.client import report

CELL = "00000000-0000-4000-8000-00000000ce11"
PAUSES = types.SimpleNamespace(sleep=lambda seconds: None)


class Hosts:
    """Stands for Nova's host manager, which reads the database: every candidate's root is a host that passes."""

    def __init__(self) -> None:
        self.none_from: int | None = None

    def get_host_states_by_uuids(
        self, ctxt: object, uuids: Iterable[str], spec: object
    ) -> Iterator[host_manager.HostState]:
        """Return a state for every host, the same ones in the same order for the same candidates."""
        return iter([_state(uuid) for uuid in sorted(uuids)])

    def get_filtered_hosts(
        self, hosts: Iterable[host_manager.HostState], spec: object, index: int
    ) -> list[host_manager.HostState]:
        """Let every host pass; none from the instance on at which the request shall fail."""
        return [] if self.none_from is not None and index >= self.none_from else list(hosts)

    def get_weighed_hosts(self, hosts: list[host_manager.HostState], spec: object) -> list[types.SimpleNamespace]:
        """Weigh by free memory, as the first of Nova's weighers does."""
        ordered = sorted(hosts, key=lambda host: -host.free_ram_mb)
        return [types.SimpleNamespace(obj=host, weight=host.free_ram_mb) for host in ordered]


def _state(uuid: str) -> host_manager.HostState:
    state = host_manager.HostState(f"host-{uuid}", f"host-{uuid}", CELL)
    state.uuid = uuid
    state.free_ram_mb = 32768
    return state


def scheduler_of(hosts: object) -> manager.SchedulerManager:
    """Return Nova's manager with this host manager, without what its constructor connects to."""
    scheduler = manager.SchedulerManager.__new__(manager.SchedulerManager)
    scheduler.host_manager = hosts
    scheduler.notifier = types.SimpleNamespace(info=lambda *_: None)
    objects.service.get_minimum_version_all_cells = lambda *_, **__: 0  # computes too old for filters that ask them
    compute_utils.notify_about_scheduler_action = lambda **_: None
    report.time = PAUSES
    return scheduler


def configure() -> None:
    """Give every option its default, whatever there is in /etc, and make Nova's objects known."""
    nova.conf.CONF([], project="nova", default_config_files=[])
    objects.register_all()


def connect(url: str, cafile: str, read_timeout: str) -> None:
    """Let Nova's client ask this Placement."""
    conf = nova.conf.CONF
    conf.register_opts(loading.get_auth_plugin_conf_options("admin_token"), "placement")
    options = {
        "auth_type": "admin_token",
        "endpoint": url,
        "endpoint_override": url,
        "token": "admin",
        "cafile": cafile,
        "timeout": int(read_timeout),
    }
    for name, value in options.items():
        conf.set_override(name, value, "placement")


def spec_of(instances: list[str], vcpus: int = 2, memory_mb: int = 512, root_gb: int = 0) -> objects.RequestSpec:
    """Return what Nova's conductor would send for a plain flavor of this size."""
    sizes = {"vcpus": vcpus, "memory_mb": memory_mb, "root_gb": root_gb}
    flavor = objects.Flavor(flavorid="f", name="f", ephemeral_gb=0, swap=0, extra_specs={}, **sizes)
    return objects.RequestSpec(
        instance_uuid=instances[0],
        num_instances=len(instances),
        project_id="tenant",
        user_id="somebody",
        flavor=flavor,
        image=objects.ImageMeta(properties=objects.ImageMetaProps()),
        requested_resources=[],
        requested_networks=objects.NetworkRequestList(objects=[]),
        numa_topology=None,
        pci_requests=objects.InstancePCIRequests(requests=[]),
        instance_group=None,
        ignore_hosts=None,
        force_hosts=None,
        force_nodes=None,
        limits=objects.SchedulerLimits(),
        retry=None,
        scheduler_hints={},
        availability_zone=None,
        security_groups=objects.SecurityGroupList(objects=[]),
        request_level_params=objects.RequestLevelParams(),
        is_bfv=root_gb == 0,
    )


def _answer(scheduler: manager.SchedulerManager, instances: list[str], *, fail_last: bool) -> dict[str, object]:
    scheduler.host_manager.none_from = len(instances) - 1 if fail_last else None
    ctxt = context.RequestContext(user_id="somebody", project_id="tenant")
    report.PLACEMENTCLIENT = None  # every request starts with fresh connections, as the other side's does
    try:
        selected = scheduler.select_destinations(
            ctxt, spec_obj=spec_of(instances), instance_uuids=instances, return_objects=True
        )
    except oslo_messaging.ExpectedException as expected:
        return {"raised": type(expected.exc_info[1]).__name__}
    except BaseException as error:  # noqa: BLE001 - whatever it is, it is the answer
        return {"raised": type(error).__name__}
    chosen = [selections[0].compute_node_uuid for selections in selected]
    return {"hosts": dict(zip(instances, chosen, strict=True))}


def main() -> None:
    """Answer questions until standard input ends."""
    configure()
    connect(*sys.argv[1:])
    scheduler = scheduler_of(Hosts())
    print("ready", flush=True)
    for line in sys.stdin:
        print(json.dumps(_answer(scheduler, **json.loads(line))), flush=True)


if __name__ == "__main__":
    main()
