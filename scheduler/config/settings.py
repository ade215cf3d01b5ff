"""Frozen settings that only ``scheduler.bootstrap`` needs: which collaborators to build."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class HostsSettings:
    """Where facts about hosts come from besides the allocation candidates."""

    source: Literal["placement", "file"] = "placement"
    hosts_file: str | None = None
    refresh_interval_s: float = 300.0
    details: Literal["names", "full"] = "names"


@dataclass(frozen=True, slots=True)
class RandomnessSettings:
    """Where the seed of a request comes from; ``seed`` is the key of source "seeded"."""

    source: Literal["system", "seeded"] = "system"
    seed: str | None = None


@dataclass(frozen=True, slots=True)
class LoggingSettings:
    """What the log needs besides oslo.log's options."""

    pseudonym_key_file: str | None = None
