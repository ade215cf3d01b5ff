"""Inputs that once were findings, each in a file that is named after its target: none of them is one again."""

from pathlib import Path

import pytest

from fuzz.target import Finding, Target, judge
from fuzz.targets import all_targets
from fuzz.watch import Watch

FILES = sorted((Path(__file__).parent / "regressions").iterdir())


@pytest.fixture(scope="module")
def targets(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Target]:
    return dict(all_targets(tmp_path_factory.mktemp("fuzz")))


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_a_former_finding_is_none_any_more(file: Path, targets: dict[str, Target]) -> None:
    name, _, _ = file.name.rpartition("-")
    data = file.read_bytes()
    assert Finding(name, "", data).file_name == file.name
    with Watch() as watch:
        assert judge(targets[name], data, watch) is None


def test_there_are_former_findings() -> None:
    assert len(FILES) >= 10
