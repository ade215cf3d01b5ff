"""The real command as a process of its own, against a real Placement over TLS."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import pytest

from placement_client.client import PlacementClient
from placement_client.config import client_from
from placement_client.models import Inventory
from placement_client.testing import PlacementServer
from scheduler.config import load_config
from tests.architecture.source import ROOT

HOSTS = {"h1": UUID(int=0xA1), "h2": UUID(int=0xA2), "h3": UUID(int=0xA3)}
SIZE = {"VCPU": 1000, "MEMORY_MB": 1 << 20}

Done = subprocess.CompletedProcess[str]


@pytest.fixture(scope="session")
def server() -> Iterator[PlacementServer]:
    """A Placement with three hosts for this directory alone."""
    with PlacementServer() as running:
        ini = running.directory / "loader.ini"
        ini.write_text(running.ini())
        client = client_from(load_config(str(ini)))
        for name, host in HOSTS.items():
            created = client.create_resource_provider(name, host)
            inventories = {resource: Inventory(total=total) for resource, total in SIZE.items()}
            client.set_inventories(host, created.generation, inventories)
        yield running


@dataclass(frozen=True)
class Console:
    """The command with one configuration file."""

    ini: Path
    placement: PlacementClient

    def __call__(self, *arguments: str, text: str = "") -> Done:
        """Run the command to its end."""
        return subprocess.run(
            [*COMMAND, "--config-file", str(self.ini), *arguments],
            input=text,
            env=ENVIRONMENT,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def schedule(self, request: dict, *arguments: str) -> Done:
        """Schedule a request given on standard input."""
        return self("schedule", "-", *arguments, text=json.dumps(request))


COMMAND = (sys.executable, "-m", "scheduler.cli")
ENVIRONMENT = os.environ | {"PYTHONPATH": str(ROOT)}


@pytest.fixture
def configured(server: PlacementServer, tmp_path: Path) -> Callable[..., Console]:
    """Make a console whose configuration is the server's, with text replaced and more added."""

    def make(more: str = "", **replaced: str) -> Console:
        text = server.ini()
        for old, new in replaced.items():
            option = next(line for line in text.splitlines() if line.startswith(f"{old} ="))
            text = text.replace(option, f"{old} = {new}")
        ini = tmp_path / "scheduler.ini"
        journal = "" if "[journal]" in more else f"[journal]\nconnection = sqlite:///{tmp_path}/journal/claims.sqlite\n"
        ini.write_text(f"{text}\n{journal}{more}")
        return Console(ini, client_from(load_config(str(server.directory / "loader.ini"))))

    return make


@pytest.fixture
def console(configured: Callable[..., Console], tmp_path: Path) -> Console:
    """The command with records and probes."""
    return configured(f"[explain]\nrecord_dir = {tmp_path / 'records'}\nprobes = 4\n")
