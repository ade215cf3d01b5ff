"""Answers lines of JSON on standard input; run as ``python -m benchmarks.speed.theirs`` where nova is installed.

A line is ``{"do": name of a method of Theirs, ...its arguments}``; the answer is ``{"wall_ms": w, "cpu_ms": c}`` of
what was measured, zeros where nothing was. The log is at WARNING, and so is ours.
"""

# mypy: disable-error-code="import-not-found"
# Nova is installed only where this runs.

from __future__ import annotations

import json
import logging
import sys
import types
import warnings
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict

warnings.simplefilter("ignore")
logging.getLogger().setLevel(logging.WARNING)

import nova.conf  # noqa: E402 - what Nova imports warns about itself

from faults import nova_driver  # noqa: E402

nova_driver.configure()

from nova import context  # noqa: E402 - Nova's objects come first
from nova.scheduler.client import report  # noqa: E402

from benchmarks.speed import fleet  # noqa: E402
from benchmarks.speed.clock import Spent, spent  # noqa: E402
from benchmarks.speed.theirs.hosts import Hosts  # noqa: E402

NOTHING = Spent(0.0, 0.0)
SIZES = (fleet.VCPUS, fleet.MEMORY_MB, fleet.ROOT_GB)
READ_TIMEOUT_S = 600
YES = types.SimpleNamespace(claim_resources=lambda *_, **__: True)
"""A client to whom Placement grants every claim at once."""


class Theirs:
    """What can be asked of Nova."""

    def __init__(self) -> None:
        nova.conf.CONF.set_override("service_down_time", 1_000_000)  # hosts stay up, however long this runs
        self._hosts = Hosts()
        self._scheduler = nova_driver.scheduler_of(self._hosts.manager)
        self._context = context.RequestContext(user_id="u", project_id="p")

    def load(self, size: int) -> Spent:
        """Take a fleet of this size, and keep host states of it."""
        self._hosts.load(size)
        self._states = self._hosts.prepare()
        self._body = fleet.answer(size)
        return NOTHING

    def rank(self) -> Spent:
        """Filter, weigh and order the hosts for one instance."""
        spec = nova_driver.spec_of(fleet.instances(0, 1), *SIZES)
        return spent(lambda: self._scheduler._get_sorted_hosts(spec, self._states, 0))

    def states(self) -> Spent:
        """Decode an answer, and make the host states of the hosts in it."""
        self._hosts.forget()
        return spent(self._states_of_answer)

    def schedule(self, count: int) -> Spent:
        """Place a batch in memory; host states are there, and every claim is granted."""
        self._hosts.prepare()
        report.PLACEMENTCLIENT = YES
        instances = fleet.instances(0, count)
        spec = nova_driver.spec_of(instances, *SIZES)
        answer = json.loads(self._body)
        requests = {uuid: [one] for one in answer["allocation_requests"] for uuid in one["allocations"]}
        asked = (self._context, spec, instances, requests, answer["provider_summaries"], "1.36")
        return spent(lambda: self._scheduler._schedule(*asked))

    def connect(self, url: str, cafile: str) -> Spent:
        """Ask this Placement from now on."""
        nova_driver.connect(url, cafile, str(READ_TIMEOUT_S))
        report.PLACEMENTCLIENT = None
        self._hosts.forget()
        return NOTHING

    def disconnect(self) -> Spent:
        """Close the connections of Nova's client; it makes others when it sends, and keeps what it knows."""
        client = report.report_client_singleton()
        client._client.session.session.close()
        return NOTHING

    def select(self, instances: list[str]) -> Spent:
        """Place and claim a batch."""
        return spent(lambda: self._select(instances))

    def select_each(self, instances: Sequence[str], threads: int) -> Spent:
        """Place and claim as many requests for one instance each, from so many threads."""
        with ThreadPoolExecutor(threads) as pool:
            return spent(lambda: list(pool.map(lambda one: self._select([one]), instances)))

    def _states_of_answer(self) -> None:
        known = json.loads(self._body)["provider_summaries"]
        list(self._hosts.states(self._context, list(known), None))

    def _select(self, instances: list[str]) -> None:
        self._scheduler.select_destinations(
            self._context,
            spec_obj=nova_driver.spec_of(instances, *SIZES),
            instance_uuids=instances,
            return_objects=True,
        )


def main() -> None:
    """Answer until standard input ends."""
    theirs = Theirs()
    print("ready", flush=True)
    for line in sys.stdin:
        asked = json.loads(line)
        work = getattr(theirs, asked.pop("do"))
        print(json.dumps(asdict(work(**asked))), flush=True)


if __name__ == "__main__":
    main()
