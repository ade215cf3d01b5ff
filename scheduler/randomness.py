"""Sound randomness: where seeds come from, and the stream a request draws from.

A ``RandomSource`` gives each request a seed of its own; a ``RandomStream`` turns the seed into draws. The stream is a
pure function of its seed, so a decision record that holds the seed can be replayed, whatever threads or processes ran
meanwhile. Who reads a record learns the draws of that request and of no other.
"""

import hashlib
import hmac
import os
from collections.abc import Callable
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from scheduler.errors import PluginFailed

SEED_BYTES = 32
KEY_BYTES = 32
NONCE_BYTES = 16
PURPOSE = b"seed of a request"


class RandomSource(Protocol):
    """Where the seed of a request comes from."""

    def seed(self, request_id: str) -> bytes:
        """Return the 32 byte seed of one request; two requests must not be able to guess each other's."""
        ...


class SystemRandomSource:
    """Seeds from the operating system's generator, ``entropy``; the default.

    A seed is HMAC-SHA256 under a key of this process over a fresh nonce and the request id. The nonce makes it
    unpredictable to whoever chooses the id, the key to whoever learns other seeds or nonces. A process that was forked
    makes a key of its own. Threads may share a source.
    """

    def __init__(self, entropy: Callable[[int], bytes] = os.urandom) -> None:
        self._entropy = entropy
        self._keyed = (os.getpid(), entropy(KEY_BYTES))

    def seed(self, request_id: str) -> bytes:
        """Return the seed of this request; asked again, another one."""
        return _keyed_hash(self._key(), self._entropy(NONCE_BYTES) + PURPOSE, request_id)

    def _key(self) -> bytes:
        """Return the key of this process; the pair is replaced whole, so no thread sees the key of another process."""
        made_by, key = self._keyed
        if made_by != os.getpid():
            key = self._entropy(KEY_BYTES)
            self._keyed = (os.getpid(), key)
        return key


class SeededRandomSource:
    """Seeds derived from a key and the request id: the same request gets the same draws. For tests and replay."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def seed(self, request_id: str) -> bytes:
        """Return the seed of this request under the key."""
        return _keyed_hash(self._key, b"", request_id)


def seed_of(source: RandomSource, request_id: str) -> bytes:
    """Return the seed that a source gives a request. Raises PluginFailed unless that is 32 bytes."""
    problem = f"it gave no seed of {SEED_BYTES} bytes"
    try:
        seed = source.seed(request_id)
        if type(seed) is bytes and len(seed) == SEED_BYTES:
            return seed
    except Exception as error:  # noqa: BLE001 - a source may raise anything, and its text may hold anything
        problem = type(error).__name__
    failure = PluginFailed(type(source).__name__, problem)
    failure.request_id = request_id
    raise failure


def _keyed_hash(key: bytes, before: bytes, request_id: str) -> bytes:
    return hmac.digest(key, before + request_id.encode(errors="surrogatepass"), "sha256")


class RandomStream:
    """Exactly uniform draws from a seed: SHAKE-256 in counter mode, with rejection of what would bias."""

    word_bits = 64

    def __init__(self, seed: bytes, purpose: str = "order") -> None:
        self._key = seed + purpose.encode()
        self._blocks = 0

    def below(self, n: int) -> int:
        """Draw one of 0 .. n-1, each equally likely; ValueError unless 1 <= n <= 2**64."""
        if n < 1:
            raise ValueError("below() needs n >= 1")
        if n > 1 << self.word_bits:
            raise ValueError(f"below() needs n <= 2**{self.word_bits}")
        limit = (1 << self.word_bits) - (1 << self.word_bits) % n
        while (word := int(self._words(1)[0])) >= limit:
            pass
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

    def state(self) -> bytes:
        """Return what the next draw depends on; streams in equal states draw the same."""
        return self._key + self._blocks.to_bytes(8)

    def _words(self, n: int) -> NDArray[np.uint64]:
        block = hashlib.shake_256(self._key + self._blocks.to_bytes(8)).digest(8 * n)
        self._blocks += 1
        return np.frombuffer(block, dtype=">u8").astype(np.uint64)
