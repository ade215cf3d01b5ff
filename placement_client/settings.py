"""Frozen settings of the client; built by ``placement_client.config`` from the ini, or directly by tests."""

from msgspec import Struct


class RetrySettings(Struct, frozen=True):
    """How often and how fast a call that is safe to repeat is repeated."""

    attempts: int = 3
    base_s: float = 0.05
    cap_s: float = 1.0


class PlacementSettings(Struct, frozen=True):
    """How the client reaches Placement.

    ``cafile`` pins the certificate authorities; None means those of the system. ``connect_timeout_s`` and
    ``read_timeout_s`` bound one wait on the socket, ``timeout_s`` bounds a call that carries no deadline of its own.
    ``allowed_endpoints`` are the only URLs a request may go to, any when empty.
    """

    cafile: str | None = None
    certfile: str | None = None
    keyfile: str | None = None
    connect_timeout_s: float = 5.0
    read_timeout_s: float = 10.0
    timeout_s: float = 30.0
    max_candidates_bytes: int = 32 << 20
    max_answer_bytes: int = 1 << 20
    pool_size: int = 16
    retry: RetrySettings = RetrySettings()
    allowed_endpoints: tuple[str, ...] = ()
