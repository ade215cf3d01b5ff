"""A process that is killed at any moment leaves nothing that the next one does not put right."""

import os
import signal

import pytest

from faults import kill
from faults.fuse import JOURNAL_CALLS, JOURNAL_METHODS, SOCKET_CALLS, CallFuse
from faults.kill import Point, _forked
from faults.report import Options, table


@pytest.mark.slow
def test_killed_processes_leave_nothing_on_either_journal():
    """F14, F19: after recovery no reservation is left, and instances hold what the journal says."""
    report = kill.run(Options(quick=True))
    print(table(report))
    assert not report.failures, table(report)
    assert report.runs >= kill.QUICK_KILLS * 0.8, "most of the processes outlived their kill"
    assert {row["journal"] for row in report.rows} == {"sqlite", "postgresql"}
    assert {row["killed at"] for row in report.rows} == {"journal", "socket", "file", "bytecode"}
    assert sum(row["aborted"] for row in report.rows) > 0, "no kill met a claim before its commit intent"


def test_a_process_that_ends_by_itself_is_not_counted_as_killed():
    ended = _forked(lambda said: os.write(said, b"{}"))
    assert (ended.killed, ended.said, ended.problems) == (False, "{}", ())


def test_a_killed_process_keeps_what_it_said_before():
    def work(said):
        os.write(said, b'{"answered": true')
        os.kill(os.getpid(), signal.SIGKILL)

    assert _forked(work) == kill.Ended(True, '{"answered": true}', ())


def test_a_process_that_raises_is_a_failure():
    def work(said):
        raise ValueError("broken")

    ended = _forked(work)
    assert not ended.killed
    assert "ValueError: broken" in ended.problems[0]


def test_a_lie_is_noticed():
    """Who was told that all went well must find it so."""
    assert kill._lies({"answered": True}, "aborted", "confirm")
    assert kill._lies({"answered": True}, "committed", "release")
    assert not kill._lies({"answered": True}, "committed", "confirm")
    assert not kill._lies({}, "aborted", "confirm")


def test_a_step_has_an_address_that_leads_back_to_it():
    point = Point("sqlite", "confirm", "bytecode", 17, 4, fresh=True)
    assert kill._point(str(point)) == point


def test_the_journal_fuse_sees_before_and_after_each_commit(tmp_path):
    import sqlite3

    connection = sqlite3.connect(tmp_path / "file.sqlite")
    with CallFuse(0, lambda: None, JOURNAL_CALLS, JOURNAL_METHODS) as fuse:
        connection.execute("CREATE TABLE one (a)")
        connection.commit()
        connection.commit()
    connection.close()
    assert fuse.count == 4


def test_the_socket_fuse_sees_what_a_client_sends_and_receives(placement_server):
    with CallFuse(0, lambda: None, SOCKET_CALLS) as fuse:
        placement_server.client().negotiate()
    assert fuse.count >= 8, "connect, handshake, a write and a read have two sides each"
