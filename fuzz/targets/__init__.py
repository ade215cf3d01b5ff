"""Everything that reads what others wrote, as targets."""

from collections.abc import Mapping
from pathlib import Path

from fuzz.target import Target
from fuzz.targets import answers, files, kept, queries, requests

__all__ = ["all_targets"]


def all_targets(folder: Path) -> Mapping[str, Target]:
    """Return every target by name; those that read files write them into ``folder``."""
    made = [*answers.targets(), *queries.targets(), *requests.targets(), *kept.targets(), *files.targets(folder)]
    return {target.name: target for target in made}
