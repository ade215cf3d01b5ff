"""Who saw ten thousand draws of other requests does not foresee the next better than by guessing."""

import hashlib
import hmac
import math
import random

import pytest

from scheduler.randomness import PURPOSE, RandomStream, SeededRandomSource, SystemRandomSource
from tests.randomness.attackers import STATE, most_common, successor, twister
from tests.randomness.draws import scripted_entropy

HOSTS = 10
SEEN = 10_000
TRIALS = 10_000
GUESSES = 200


def draws(source, ids, n: int = HOSTS) -> list[int]:
    return [RandomStream(source.seed(request_id)).below(n) for request_id in ids]


def ids(count: int) -> list[str]:
    return [f"req-{number}" for number in range(count)]


def bound(trials: int) -> float:
    """Return the hits of a guesser plus three sigma."""
    return trials / HOSTS + 3 * math.sqrt(trials * (1 / HOSTS) * (1 - 1 / HOSTS))


@pytest.fixture
def source() -> SystemRandomSource:
    return SystemRandomSource(scripted_entropy("prediction"))


@pytest.mark.parametrize("attacker", [most_common, successor])
def test_statistics_of_other_requests_foresee_nothing(source, attacker):
    seen = draws(source, ids(SEEN + GUESSES))
    hits = sum(attacker(seen[:at]) == seen[at] for at in range(SEEN, SEEN + GUESSES))
    assert hits <= bound(GUESSES)


def test_recovering_the_state_of_a_mersenne_twister_foresees_everything_there_and_nothing_here(source):
    """Negative control: 624 outputs of Python's own generator give away every choice that follows."""
    theirs = random.Random(20)
    clone = twister([theirs.getrandbits(32) for _ in range(SEEN)])
    assert [clone.randrange(HOSTS) for _ in range(1000)] == [theirs.randrange(HOSTS) for _ in range(1000)]
    seen = draws(source, ids(SEEN), 2**32)
    assert len(seen) > STATE
    clone = twister(seen)
    hits = sum(clone.randrange(HOSTS) == ours for ours in draws(source, ids(TRIALS)))
    assert hits <= bound(TRIALS)


def test_asking_under_the_id_of_the_victim_foresees_nothing(source):
    """Negative control: with a seed that depends on the id alone it foresees everything."""
    hits = sum(one == other for one, other in zip(draws(source, ids(TRIALS)), draws(source, ids(TRIALS)), strict=True))
    assert hits <= bound(TRIALS)
    seeded = SeededRandomSource(b"key")
    assert draws(seeded, ids(1000)) == draws(seeded, ids(1000))


def test_knowing_every_nonce_and_every_other_seed_foresees_nothing_without_the_key(source):
    """The seed of a record replays its own request: as a key for the next one it is as good as any guess."""
    known = [bytes(32), b"", source.seed("req-0")]
    nonces, watched = [], scripted_entropy("watched")

    def entropy(size: int) -> bytes:
        nonces.append(watched(size))
        return nonces[-1]

    victim = SystemRandomSource(entropy)
    del nonces[:]
    chosen = draws(victim, ids(TRIALS // 5))
    for key in known:
        guesses = (
            hmac.new(key, nonce + PURPOSE + name.encode(), hashlib.sha256).digest()
            for nonce, name in zip(nonces, ids(TRIALS // 5), strict=True)
        )
        hits = sum(RandomStream(guess).below(HOSTS) == one for guess, one in zip(guesses, chosen, strict=True))
        assert hits <= bound(TRIALS // 5)


def test_two_schedulers_with_the_same_request_ids_choose_independently():
    """They meet on a host as often as chance wills, within four sigma; with one seed they always would."""
    one, other = (draws(SystemRandomSource(scripted_entropy(name)), ids(TRIALS)) for name in ("one", "other"))
    meet = sum(a == b for a, b in zip(one, other, strict=True))
    assert abs(meet - TRIALS / HOSTS) < 4 * math.sqrt(TRIALS / HOSTS * (1 - 1 / HOSTS))
    assert draws(SeededRandomSource(b"key"), ids(100)) == draws(SeededRandomSource(b"key"), ids(100))
