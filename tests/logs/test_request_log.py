"""One log record a request, for every outcome, and no identifier in it that a reader could use."""

import json
import logging
import subprocess
import sys
from typing import get_args
from uuid import UUID

import pytest

from placement_client.secret import Secret
from scheduler.events import EventLog, Pseudonyms
from scheduler.logs import RequestLog
from scheduler.model import (
    DecisionRecord,
    FilterStep,
    InstanceDecision,
    Outcome,
    Probe,
    Round,
    ScoredHost,
    Timings,
)

PSEUDONYMS = Pseudonyms(Secret(b"k" * 32))


def record_of(outcome: str, mark: str = "canary") -> DecisionRecord:
    """Give a record with a mark in every field that holds text of somebody else."""
    instance = UUID(int=0xCA9A41)
    return DecisionRecord(
        request_id=f"{mark}-request",
        outcome=outcome,
        reason=f"{mark} reason",
        seed=f"{mark}seed",
        instances=(instance,),
        project_id=f"{mark}-project",
        asked={f"CUSTOM_{mark}": 1},
        rounds=(
            Round(
                candidates=12,
                hosts=11,
                verified_providers=1,
                instances=(
                    InstanceDecision(
                        instance_uuid=instance,
                        steps=(FilterStep(name=f"{mark}Filter", reason=mark, hosts_in=3, removed=1),),
                        best_hosts=(ScoredHost(host=f"{mark}-host", total=1.0),),
                        selected=f"{mark}-host",
                    ),
                ),
                answer=mark,
            ),
        ),
        probes=(Probe(relaxed=f"{mark} rack", hosts=1),),
        placement_calls=3,
        timings=Timings(total_ms=12.34, claim_ms=5.0),
    )


@pytest.mark.parametrize("outcome", get_args(Outcome))
def test_every_outcome_is_logged_once_without_any_identifier(outcome, caplog):
    caplog.set_level(logging.DEBUG)
    RequestLog(EventLog(PSEUDONYMS))(record_of(outcome))
    (logged,) = caplog.records
    text = logged.getMessage() + repr(logged.args) + repr(logged.__dict__)
    assert "canary" not in text.lower()
    assert "ca9a41" not in text.lower()
    assert logged.name == "scheduler"
    assert logged.levelno == (logging.WARNING if outcome in ("unavailable", "in_doubt") else logging.INFO)


def test_the_record_holds_codes_counts_and_times(caplog):
    caplog.set_level(logging.INFO)
    record = DecisionRecord(
        request_id="req-1",
        outcome="no_valid_host",
        reason="filtered_out",
        project_id="p",
        rounds=(Round(candidates=9, hosts=8), Round(candidates=12, hosts=11, verified_providers=2)),
        placement_calls=4,
        timings=Timings(total_ms=12.34),
    )
    RequestLog(EventLog(PSEUDONYMS, strict=True))(record)
    assert caplog.records[0].getMessage() == (
        f"request_decided request={PSEUDONYMS('request', 'req-1')} project={PSEUDONYMS('project', 'p')} "
        "outcome=no_valid_host reason=filtered_out instances=0 rounds=2 candidates=12 hosts=11 verified_providers=2 "
        "probes=0 placement_calls=4 total_ms=12.3 candidates_ms=0.0 select_ms=0.0 claim_ms=0.0"
    )


def test_nothing_is_logged_where_the_level_is_off(caplog):
    caplog.set_level(logging.ERROR, logger="scheduler")
    RequestLog(EventLog(PSEUDONYMS))(record_of("selected"))
    assert caplog.records == []


SCRIPT = """
import sys
from scheduler.config import load_config
from scheduler.events import EventLog
from scheduler.logs import RequestLog
from scheduler.logs.oslo import setup
from scheduler.model import DecisionRecord
setup(load_config(sys.argv[1]))
RequestLog(EventLog())(DecisionRecord(request_id="req-canary", outcome="unavailable", reason="not_sent"))
"""


@pytest.mark.parametrize("use_json", [False, True])
def test_oslo_log_formats_it_when_it_is_set_up(tmp_path, use_json):
    ini = tmp_path / "scheduler.ini"
    ini.write_text(f"[DEFAULT]\nuse_json = {use_json}\nuse_stderr = true\n")
    ran = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(ini)], capture_output=True, text=True, check=True, timeout=60
    )
    assert "canary" not in ran.stderr
    (line,) = [line for line in ran.stderr.splitlines() if "request_not_decided" in line]
    if use_json:
        assert json.loads(line)["levelname"] == "WARNING"
    else:
        assert " WARNING scheduler [-] request_not_decided request=request~" in line


def test_a_wrong_option_of_the_log_is_a_wrong_setting(tmp_path):
    ini = tmp_path / "scheduler.ini"
    ini.write_text("[DEFAULT]\nlog_config_append = /nowhere/at/all\n")
    script = (
        "import sys; from scheduler.config import load_config; from scheduler.logs.oslo import setup\n"
        "from scheduler.errors import InvalidSettings\n"
        "try:\n setup(load_config(sys.argv[1]))\nexcept InvalidSettings as error:\n print(error)\n"
    )
    ran = subprocess.run(
        [sys.executable, "-c", script, str(ini)], capture_output=True, text=True, timeout=60, check=True
    )
    assert ran.stdout.startswith("[DEFAULT] the options of oslo.log cannot be used")
