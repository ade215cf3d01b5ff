"""Where seeds come from: fresh, of this process alone, and never what an injected source should not have given."""

import hashlib
import hmac
import os
import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from scheduler.errors import PluginFailed, SchedulingUnavailable
from scheduler.randomness import PURPOSE, SEED_BYTES, RandomStream, SeededRandomSource, SystemRandomSource, seed_of


class Entropy:
    """Entropy that is no entropy at all: notes what is asked for and counts up."""

    def __init__(self) -> None:
        self.asked: list[int] = []

    def __call__(self, size: int) -> bytes:
        self.asked.append(size)
        return bytes([len(self.asked)]) * size


class Giving:
    """A source that gives what it was told to."""

    def __init__(self, seed: object) -> None:
        self._seed = seed

    def seed(self, request_id: str) -> object:
        if isinstance(self._seed, Exception):
            raise self._seed
        return self._seed


def in_child(act: Callable[[], bytes]) -> bytes:
    """Return what ``act`` gives in a forked process."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.write(write, act())
        finally:
            os._exit(0)
    os.close(write)
    with open(read, "rb") as answer:
        given = answer.read()
    os.waitpid(child, 0)
    return given


def test_a_seed_is_a_keyed_hash_of_a_fresh_nonce_and_the_request_id():
    source = SystemRandomSource(Entropy())
    key, nonce = bytes([1]) * 32, bytes([2]) * 16
    assert source.seed("req-1") == hmac.new(key, nonce + PURPOSE + b"req-1", hashlib.sha256).digest()
    assert source.seed("req-1") == hmac.new(key, bytes([3]) * 16 + PURPOSE + b"req-1", hashlib.sha256).digest()


def test_key_nonce_and_request_id_each_change_the_seed():
    """Were one of them known or fixed, the others would still separate requests."""
    fixed = bytes(32)
    same = [SystemRandomSource(lambda size: fixed[:size]).seed(request_id) for request_id in ("a", "a", "b")]
    assert same[0] == same[1] != same[2]
    source = SystemRandomSource(Entropy())
    assert source.seed("a") != source.seed("a")


def test_seeds_of_the_system_differ_also_for_one_request():
    source = SystemRandomSource()
    seeds = {source.seed("req-1") for _ in range(1000)}
    assert len(seeds) == 1000
    assert {len(seed) for seed in seeds} == {SEED_BYTES}


def test_any_text_can_be_a_request_id():
    assert len(SystemRandomSource().seed("\ud800\0")) == SEED_BYTES
    assert len(SeededRandomSource(b"key").seed("\ud800\0")) == SEED_BYTES


def test_a_forked_process_makes_a_key_of_its_own():
    """Even where parent and child drew the same nonces; negative control: a copied Mersenne Twister goes on alike."""
    entropy = Entropy()
    source, twister = SystemRandomSource(entropy), random.Random(1)
    source.seed("req-1")
    assert entropy.asked == [32, 16]

    def child() -> bytes:
        del entropy.asked[:]
        return source.seed("req-1") + source.seed("req-1") + bytes(entropy.asked)

    answer = in_child(child)
    assert list(answer[2 * SEED_BYTES :]) == [32, 16, 16]
    assert in_child(lambda: twister.randbytes(32)) == twister.randbytes(32)
    source, parent = SystemRandomSource(), []
    answer = in_child(lambda: source.seed("req-1"))
    parent += [source.seed("req-1")]
    assert len(answer) == SEED_BYTES
    assert answer not in parent


def test_parent_keeps_its_key_after_a_fork():
    entropy = Entropy()
    source = SystemRandomSource(entropy)
    in_child(lambda: source.seed("req-1"))
    source.seed("req-1")
    assert entropy.asked == [32, 16]


def test_threads_share_a_source():
    source = SystemRandomSource()
    with ThreadPoolExecutor(8) as pool:
        seeds = list(pool.map(lambda _: source.seed("req-1"), range(4000)))
    assert len(set(seeds)) == 4000


def test_threads_get_what_one_thread_gets():
    source = SeededRandomSource(b"key")

    def order(number: int) -> list[int]:
        return RandomStream(source.seed(f"req-{number}")).permutation(20).tolist()

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(order, range(100))) == [order(number) for number in range(100)]


def test_seeds_under_a_key_depend_on_key_and_request_alone():
    one, other = SeededRandomSource(b"key"), SeededRandomSource(b"other key")
    assert one.seed("req-1") == SeededRandomSource(b"key").seed("req-1")
    assert len({one.seed("req-1"), one.seed("req-2"), other.seed("req-1"), other.seed("req-2")}) == 4
    assert len(one.seed("req-1")) == SEED_BYTES


BAD_SEEDS = [None, b"", b"short", bytes(31), bytes(33), bytearray(32), "x" * 32, 7, RuntimeError("secret of the seed")]


@pytest.mark.parametrize("seed", BAD_SEEDS, ids=repr)
def test_an_injected_source_that_gives_no_seed_is_named(seed):
    with pytest.raises(PluginFailed) as caught:
        seed_of(Giving(seed), "req-1")
    assert isinstance(caught.value, SchedulingUnavailable)
    assert (caught.value.plugin, caught.value.request_id) == ("Giving", "req-1")
    assert caught.value.__context__ is None
    assert "secret" not in f"{caught.value!r} {caught.value} {caught.value.problem}"


def test_an_injected_source_is_used_as_it_is():
    assert seed_of(Giving(bytes(32)), "req-1") == bytes(32)
