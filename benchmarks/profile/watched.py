"""A Placement that tells what it took to answer each call."""

from collections.abc import Mapping
from pathlib import Path

import msgspec

from benchmarks.results import ROOT
from placement_client.testing import PlacementServer

VARIABLE = "PLACEMENT_CALLS_FILE"
"""The variable with the name of the file that ``benchmarks.profile.app`` writes to."""
FREEZES = "PLACEMENT_FREEZES"
"""The variable that tells whether it keeps what was loaded from being looked at for garbage."""


class Answered(msgspec.Struct, frozen=True):
    """One call: the statements by kind and table, and the milliseconds of the whole, of which database and garbage."""

    method: str
    path: str
    statements: Mapping[str, int]
    ms: Mapping[str, float]


class WatchedServer(PlacementServer):
    """The real Placement with a stop watch in it."""

    application = "benchmarks.profile.app:application"

    def calls(self) -> list[Answered]:
        """Return the calls that were answered since this was last asked."""
        lines = self._file.read_bytes().splitlines()
        self._file.write_bytes(b"")
        return [msgspec.json.decode(line, type=Answered) for line in lines]

    def _prepare(self) -> None:
        super()._prepare()
        self._file.touch()

    @property
    def _file(self) -> Path:
        return self.directory / "calls.jsonl"

    def _environment(self) -> Mapping[str, str]:
        return {**super()._environment(), VARIABLE: str(self._file), "PYTHONPATH": str(ROOT)}


class FrozenServer(WatchedServer):
    """The same, which never looks for garbage among what was there before the first call."""

    def _environment(self) -> Mapping[str, str]:
        return {**super()._environment(), FREEZES: "yes"}
