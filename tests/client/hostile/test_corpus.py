"""Whatever a server does, a call to it ends in time, in the one right error, and nothing leaks."""

import gc
import traceback
from collections.abc import Iterator
from pathlib import Path

import pytest

from placement_client.errors import DeadlineExceeded, PlacementError
from placement_client.settings import PlacementSettings
from tests.client.conftest import TOKEN, Serve
from tests.client.hostile.calls import CONSUMER, SECONDS, WRITE, client_of, ends_in
from tests.client.hostile.corpus import CORPUS, TEXT, Stage, on_stage
from tests.client.scripted import Authority, reply


@pytest.fixture
def stage(authority: Authority, stranger: Authority, tmp_path: Path, server: Serve, stop) -> Stage:
    return Stage(authority, stranger, tmp_path, server(reply(200, {})), stop)


def assert_silent(error: PlacementError, *secrets: str) -> None:
    """Assert that nothing that can be reached from an error, nor its traceback, holds one of these."""
    shown = [*map(str, reachable(error)), "".join(traceback.format_exception(error))]
    assert [secret for secret in secrets for text in shown if secret in text] == []
    assert (error.__context__, error.__cause__) == (None, None)


def reachable(error: PlacementError) -> Iterator[object]:
    """Yield everything an error holds, but for the frames of its traceback."""
    waiting: list[object] = [error.args, vars(error), getattr(error, "__notes__", ())]
    seen: set[int] = set()
    while waiting:
        thing = waiting.pop()
        if id(thing) not in seen and not isinstance(thing, type):
            seen.add(id(thing))
            yield thing
            waiting += gc.get_referents(thing)


@pytest.mark.parametrize("write", [False, True], ids=["read", "write"])
@pytest.mark.parametrize("name", CORPUS)
def test_every_hostile_server_ends_in_its_error(
    stage: Stage, settings: PlacementSettings, name: str, write: bool
) -> None:
    hostile = CORPUS[name]
    # Who is slow is cut off soon; who is quick must not be, on a machine that is slow itself.
    seconds = SECONDS if hostile.read is DeadlineExceeded else 5.0
    with on_stage(hostile, stage) as there:
        client = client_of(there.url, settings, seconds)
        with ends_in(hostile.write if write else hostile.read, seconds) as errors:
            client.put_allocations(CONSUMER, WRITE) if write else client.get_allocations(CONSUMER)
        assert_silent(errors[0], TEXT, TOKEN, there.url, str(CONSUMER))
    assert (stage.thief.connections, stage.thief.seen) == (0, [])
    assert len(there.seen) <= 1


def test_there_are_enough_of_them() -> None:
    assert len(CORPUS) > 75
