"""Sound randomness: where seeds come from, and the stream a request draws from.

A ``RandomSource`` gives each request a seed of its own; a ``RandomStream`` turns the seed into draws. The stream is a
pure function of its seed, so a decision record that holds the seed can be replayed, whatever threads or processes ran
meanwhile.
"""

import hashlib
import hmac
import os
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

SEED_BYTES = 32


class RandomSource(Protocol):
    """Where the seed of a request comes from."""

    def seed(self, request_id: str) -> bytes:
        """Return the 32 byte seed of one request; two requests must not be able to guess each other's."""
        ...


class SystemRandomSource:
    """Seeds from the operating system's generator; the default."""

    def seed(self, request_id: str) -> bytes:
        """Return 32 fresh bytes; the request id, which a tenant may choose, has no influence."""
        return os.urandom(SEED_BYTES)


class SeededRandomSource:
    """Seeds derived from a key and the request id: the same request gets the same draws. For tests and replay."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def seed(self, request_id: str) -> bytes:
        """Return the seed of this request under the key."""
        return hmac.new(self._key, request_id.encode(), hashlib.sha256).digest()


class RandomStream:
    """Exactly uniform draws from a seed: SHAKE-256 in counter mode, with rejection of what would bias."""

    def __init__(self, seed: bytes, purpose: str = "order") -> None:
        self._key = seed + purpose.encode()
        self._blocks = 0

    def below(self, n: int) -> int:
        """Draw one of 0 .. n-1, each equally likely; ValueError for n < 1."""
        if n < 1:
            raise ValueError("below() needs n >= 1")
        limit = (1 << 64) - (1 << 64) % n
        while True:
            word = int(self._words(1)[0])
            if word < limit:
                return word % n

    def permutation(self, n: int) -> NDArray[np.intp]:
        """Draw one of the n! orders of 0 .. n-1, each equally likely: shape (n,).

        Sorting by distinct random keys is uniform; keys that collide are drawn again.
        """
        while True:
            keys = self._words(n)
            order = np.argsort(keys, kind="stable")
            ranked = keys[order]
            if not (ranked[1:] == ranked[:-1]).any():
                return order

    def _words(self, n: int) -> NDArray[np.uint64]:
        block = hashlib.shake_256(self._key + self._blocks.to_bytes(8)).digest(8 * n)
        self._blocks += 1
        return np.frombuffer(block, dtype=">u8").astype(np.uint64)
