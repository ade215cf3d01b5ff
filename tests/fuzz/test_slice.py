"""A short run of every target by every engine; the long run is ``make fuzz``."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from fuzz import deal
from fuzz.hypothesised import engine as hypothesised
from fuzz.target import Target
from fuzz.targets import all_targets
from fuzz.watch import Watch
from fuzz.worker import Job, Tally, plain
from tests.architecture.source import ROOT

SHARE = 1000  # one input of so many of the long run
LEAST = 100
APART = {"arguments"}  # changes the process it runs in: signals, hooks, umask

# Read as several models, or nothing but refusals.
REFUSING = {"answer-refusals", "answer-headers", "answer-lists", "answer-usages", "answer-providers"}
NAMES = sorted(set(deal.COUNTS) - APART)


@pytest.fixture(scope="module")
def targets(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Target]:
    return dict(all_targets(tmp_path_factory.mktemp("fuzz")))


def tally_of(target: Target, engine: str, inputs: int, watch: Watch, folder: Path) -> Tally:
    return Tally(Job(target.name, engine, inputs, 7), target, watch, folder)


def fuzz(*arguments: str, folder: Path) -> tuple[int, str, dict]:
    """Run the command; return its status, what it printed, and its JSON."""
    command = [sys.executable, "-m", "fuzz", *arguments, "--work", str(folder), "--json", str(folder / "report.json")]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=110
    )
    file = folder / "report.json"
    return done.returncode, done.stdout + done.stderr, json.loads(file.read_text()) if file.exists() else {}


@pytest.mark.parametrize("name", NAMES)
def test_mutations_of_valid_inputs_find_nothing(name: str, targets: dict[str, Target], tmp_path: Path) -> None:
    inputs = max(LEAST, 1000 * deal.COUNTS[name][0] // SHARE)
    with Watch() as watch:
        tally = tally_of(targets[name], "plain", inputs, watch, tmp_path)
        plain(tally)
    assert tally.found == {}
    assert tally.is_done()


@pytest.mark.parametrize("name", NAMES)
def test_inputs_from_strategies_find_nothing(name: str, targets: dict[str, Target], tmp_path: Path) -> None:
    with Watch() as watch:
        tally = tally_of(targets[name], "hypothesised", 30, watch, tmp_path)
        hypothesised(tally)
    assert tally.found == {}
    assert tally.inputs >= 10


@pytest.mark.parametrize("name", NAMES)
def test_every_seed_but_the_broken_ones_is_valid(name: str, targets: dict[str, Target]) -> None:
    """Seeds that nothing accepts would test the first check of a target and nothing behind it."""
    accepted = 0
    for seed in targets[name].seeds:
        try:
            targets[name].run(seed)
        except targets[name].raises:
            continue
        accepted += 1
    assert accepted or name in {
        "answer-refusals",
        "answer-headers",
        "answer-lists",
        "answer-usages",
        "answer-providers",
    }


def test_every_target_has_its_counts_and_the_long_run_its_twenty_million(targets: dict[str, Target]) -> None:
    assert set(targets) == set(deal.COUNTS)
    jobs = deal.jobs_of(list(targets.values()), None, deal.ENGINES, 1)
    assert sum(job.inputs for job in jobs) >= 20_000_000
    assert {job.target for job in jobs if job.engine == "guided"} == set(targets)


def test_the_command_line_holds_in_a_process_of_its_own(tmp_path: Path) -> None:
    status, printed, report = fuzz("--only", "arguments", "--engine", "plain", "--inputs", "150", folder=tmp_path)
    assert (status, report["good"], report["inputs"]) == (0, True, 150), printed


@pytest.mark.skipif(not deal.is_available("guided"), reason="atheris has no wheel for this Python")
def test_coverage_guides(tmp_path: Path) -> None:
    """The edges that were reached grow beyond those of the seeds, and are told."""
    status, printed, report = fuzz("--only", "versions", "--engine", "guided", "--inputs", "3000", folder=tmp_path)
    assert (status, report["good"], report["inputs"]) == (0, True, 3000), printed
    assert report["rows"][0]["edges"] > 10
