"""The sample ini is what oslo-config-generator makes of the options, and holds nothing of the machine that made it."""

import os
import socket
import subprocess
import sys
import tomllib
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SAMPLE = ROOT / "etc" / "scheduler.ini.sample"


@pytest.fixture
def search_path(tmp_path):
    """Give a PYTHONPATH on which the generator finds our options, also where the package is not installed."""
    try:
        distribution("placement-scheduler")
    except PackageNotFoundError:
        about = tmp_path / "placement_scheduler-0.dist-info"
        about.mkdir()
        (about / "METADATA").write_text("Metadata-Version: 2.1\nName: placement-scheduler\nVersion: 0\n")
        points = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["entry-points"]["oslo.config.opts"]
        lines = [f"{name} = {target}" for name, target in points.items()]
        (about / "entry_points.txt").write_text("\n".join(["[oslo.config.opts]", *lines, ""]))
    return f"{tmp_path}{os.pathsep}{ROOT}"


def test_the_sample_in_etc_is_not_stale(search_path, tmp_path):
    """``make sample`` writes it again."""
    made = tmp_path / "made.ini"
    command = [sys.executable, "-c", "from oslo_config.generator import main; main()"]
    arguments = ["--config-file", "etc/config-generator.conf", "--output-file", str(made)]
    environment = {"PYTHONPATH": search_path, "PATH": os.environ["PATH"], "XDG_CACHE_HOME": str(tmp_path)}
    subprocess.run([*command, *arguments], check=True, cwd=ROOT, env=environment, timeout=120)
    assert made.read_text() == SAMPLE.read_text()


def test_the_sample_holds_nothing_of_this_machine():
    text = SAMPLE.read_text()
    assert f"= {socket.gethostname()}\n" not in text
    assert not [path for path in (str(ROOT), str(Path.home()), sys.prefix) if path in text]
    assert "#node_id = <name of the host>.<number of the process>" in text
