"""Frozen settings that only ``scheduler.bootstrap`` needs: which collaborators to build."""

from typing import Literal

from msgspec import Struct

from placement_client.secret import Secret


class HostsSettings(Struct, frozen=True):
    """Where facts about hosts come from besides the allocation candidates."""

    source: Literal["placement", "file"] = "placement"
    hosts_file: str | None = None
    refresh_interval_s: float = 300.0
    details: Literal["names", "full"] = "names"


class RandomnessSettings(Struct, frozen=True):
    """Where the seed of a request comes from; ``seed`` is the key of source "seeded", which has to be allowed."""

    source: Literal["system", "seeded"] = "system"
    allow_seeded: bool = False
    seed: Secret[str] | None = None


class PolicySettings(Struct, frozen=True):
    """Who says who may do what: a policy file, or the rule without one."""

    policy_file: str | None = None


class LoggingSettings(Struct, frozen=True):
    """What the log needs besides oslo.log's options; the previous keys only look up, they make no records."""

    pseudonym_key_file: str | None = None
    previous_pseudonym_key_files: tuple[str, ...] = ()
