"""The report of the proof: what the table shows, what counts as good, and what the command ends with."""

import json
import sys
from types import SimpleNamespace

import pytest

from faults.__main__ import PARTS, main
from faults.report import Failure, Options, Report, again, table


def report(failures=(), runs=3) -> Report:
    rows = [{"fault": "reset", "runs": 2}, {"fault": "late", "runs": 1}]
    return Report("part", runs, failures, rows, 1.5, notes=["mind this"])


def test_the_table_has_a_row_for_each_group_and_a_command_for_each_failure():
    text = table(report([Failure("leaked", "python -m faults cuts --only 'x'")]))
    assert text.splitlines() == [
        "part: 3 runs, 1 failures, 1.5 s",
        "",
        "fault  runs",
        "reset     2",
        "late      1",
        "",
        "mind this",
        "FAILED leaked",
        "  again: python -m faults cuts --only 'x'",
    ]


def test_a_part_that_ran_nothing_is_not_good():
    assert report().good
    assert not report(runs=0).good
    assert not report([Failure("leaked", "again")]).good


def test_the_command_that_repeats_a_step_has_seed_form_and_address():
    assert (
        again("matrix", Options(quick=True, seed=7), "a:1") == "python -m faults matrix --seed 7 --quick --only 'a:1'"
    )


@pytest.mark.parametrize(("failures", "status"), [([], 0), ([Failure("leaked", "again")], 1)])
def test_the_command_writes_json_and_ends_with_the_verdict(monkeypatch, capsys, tmp_path, failures, status):
    asked = []
    part = SimpleNamespace(run=lambda options: asked.append(options) or report(failures))
    monkeypatch.setitem(sys.modules, "faults.cuts", part)
    file = tmp_path / "deep" / "report.json"
    assert main(["cuts", "--seed", "9", "--quick", "--json", str(file)]) == status
    assert (asked[0].seed, asked[0].quick) == (9, True)
    (written,) = json.loads(file.read_text())
    assert (written["name"], written["runs"], written["good"]) == ("part", 3, not failures)
    assert f"3 runs, {len(failures)} failures" in capsys.readouterr().out


def test_all_runs_every_part_in_order(monkeypatch, tmp_path):
    ran = []
    for name in PARTS:
        part = SimpleNamespace(run=lambda _, name=name: ran.append(name) or report())
        monkeypatch.setitem(sys.modules, f"faults.{name}", part)
    assert main(["--json", str(tmp_path / "report.json")]) == 0
    assert ran == list(PARTS)
