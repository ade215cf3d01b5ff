"""Whole requests through the scheduler as a service builds it, to a Placement that only plays its answers.

What Placement itself takes is left out: it gives the same list of candidates every time, and takes every write.
"""

import json
import tempfile
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit
from uuid import uuid4

import requests

from benchmarks.growth.ours import METRICS, Fleet
from placement_client.clock import Deadline
from placement_client.testing.connect import ENDPOINT
from placement_client.testing.ini import ini_text, placement_section
from placement_client.testing.wsgi import InProcess, build_response
from scheduler import FilterScheduler, HostSnapshot, RequestContext, RequestSpec, build, load_config

MOST_INSTANCES, MOST_S = 1_000, 3_600
_VERSIONS = {"versions": [{"id": "v1.0", "min_version": "1.0", "max_version": "1.39", "status": "CURRENT"}]}
_SPOKEN = ("openstack-api-version", "placement 1.39")
_JSON = ("content-type", "application/json")


class PlayedPlacement(InProcess):
    """Answers each question for candidates with these bytes, and 204 to every write; ``calls`` counts both."""

    def __init__(self, body: bytes) -> None:
        super().__init__()
        self._body = body
        self.calls = 0

    def answer(self, request: requests.PreparedRequest) -> requests.Response:
        """Answer a request."""
        path = urlsplit(str(request.url)).path
        if path in ("", "/"):
            return build_response(request, 200, [_JSON], json.dumps(_VERSIONS).encode())
        self.calls += 1
        if request.method == "GET" and path == "/allocation_candidates":
            return build_response(request, 200, [_SPOKEN, _JSON], self._body)
        if request.method == "POST" and path == "/allocations":
            return build_response(request, 204, [_SPOKEN], b"")
        return build_response(request, 404, [_SPOKEN], b"")


@dataclass(frozen=True, slots=True)
class Known:
    """A source of facts that never change."""

    facts: HostSnapshot

    def snapshot(self, wanted: Collection[object] = (), deadline: Deadline | None = None) -> HostSnapshot:
        """Return the facts."""
        return self.facts


@dataclass(frozen=True, slots=True)
class Service:
    """A scheduler, and the Placement that is played to it."""

    scheduler: FilterScheduler
    placement: PlayedPlacement

    def place(self, spec: RequestSpec, instances: int = 1) -> None:
        """Place new instances."""
        context = RequestContext(project_id=spec.project_id, user_id=spec.user_id)
        self.scheduler.select_destinations(context, spec, [uuid4() for _ in range(instances)])


@contextmanager
def service(fleet: Fleet, **sections: dict[str, str]) -> Iterator[Service]:
    """Yield a scheduler for a fleet; its journal is in memory, and its other settings are the defaults, or these."""
    placement = PlayedPlacement(fleet.body)
    with _configured(sections) as ini:
        scheduler = build(load_config(str(ini)), Known(fleet.snapshot), http_adapter=placement)
        with scheduler:
            yield Service(scheduler, placement)


@contextmanager
def _configured(sections: dict[str, dict[str, str]]) -> Iterator[Path]:
    """Yield the ini of a scheduler that takes answers and batches of any size."""
    roomy = {
        "scheduler": {"max_instances": str(MOST_INSTANCES), "request_timeout": str(MOST_S)},
        "metrics": {"weight_setting": ", ".join(f"{name}={ratio}" for name, ratio in METRICS.weight_setting)},
        "journal": {"connection": "memory://"},
    }
    with tempfile.TemporaryDirectory() as directory:
        ini = Path(directory) / "scheduler.ini"
        placement = placement_section(ENDPOINT, max_candidates_bytes=1 << 30, timeout=MOST_S)
        ini.write_text(f"{placement}\n{ini_text(roomy, sections)}", encoding="utf-8")
        yield ini
