"""Markers: text that stands where a secret or an identifier would, and that nothing else in the program can hold.

A word is made of letters no hexadecimal number has and of digits, in turns, so that eight characters of it are neither
an English word, nor an address, nor a number. Eight characters of a UUID always hold a letter and a digit.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from uuid import UUID

SECRET, IDENTIFIER = "secret", "identifier"
WIDTH = 8
WORD = 20
NUMBER = 13

SECRETS = frozenset(
    {
        "password",
        "token",
        "receipt",
        "cookie",
        "application credential",
        "private key",
        "pseudonym key",
        "journal password",
        "seed",
        "proxy password",
        "environment password",
        "URL password",
    }
)
IDENTIFIERS = frozenset(
    {
        "instance",
        "project",
        "user",
        "provider",
        "generation",
        "aggregate",
        "request",
        "reservation",
        "host",
        "node",
        "image",
        "image property",
        "extra spec",
        "flavor",
        "zone",
        "group",
        "trait",
        "capability",
        "service user",
        "catalog",
        "address",
        "server text",
        "plugin text",
    }
)

_SOUND = "ghjkmnpqrstvwxz"
_DIGITS = "23456789"


@dataclass(frozen=True, slots=True)
class Marker:
    """One marker and what it stands for."""

    kind: str
    text: str

    @property
    def secrecy(self) -> str:
        """Tell whether it must never be told, or only not in logs, errors and metrics."""
        return SECRET if self.kind in SECRETS else IDENTIFIER


class Mint:
    """Makes markers that are all different, the same ones from the same seed, and tells which are new."""

    def __init__(self, seed: str) -> None:
        self._seed = seed
        self._numbers = count()
        self._fresh: list[Marker] = []
        self.kinds: set[str] = set()

    def fresh(self) -> list[Marker]:
        """Return the markers made since the last time."""
        fresh, self._fresh = self._fresh, []
        return fresh

    def word(self, kind: str) -> str:
        """Return a marker of letters and digits in lower case."""
        draws = self._draws(WORD)
        letters = (_SOUND[draw % len(_SOUND)] if at % 2 else _DIGITS[draw % 8] for at, draw in enumerate(draws))
        return self._kept(kind, "x" + "".join(letters)[1:])

    def name(self, kind: str) -> str:
        """Return a marker as a resource class or trait may be called."""
        return f"CUSTOM_{self.word(kind).upper()}"

    def uuid(self, kind: str) -> UUID:
        """Return a marker that is a UUID."""
        found = next(one for one in self._uuids() if _is_mixed(one.hex))
        self._kept(kind, str(found))
        return found

    def number(self, kind: str) -> int:
        """Return a marker that is a number, for where one of any size may stand."""
        digits = (str(draw % 9 + 1) for draw in self._draws(NUMBER))
        return int(self._kept(kind, "".join(digits)))

    def _uuids(self) -> Iterator[UUID]:
        while True:
            yield UUID(bytes=self._draws(16), version=4)

    def _draws(self, size: int) -> bytes:
        return hashlib.shake_256(f"{self._seed}\0{next(self._numbers)}".encode()).digest(size)

    def _kept(self, kind: str, text: str) -> str:
        if kind not in SECRETS | IDENTIFIERS:
            raise ValueError(f"{kind} is no kind of marker")
        self._fresh.append(Marker(kind, text))
        self.kinds.add(kind)
        return text


def _is_mixed(digits: str) -> bool:
    parts = [digits[at : at + WIDTH] for at in range(len(digits) - WIDTH + 1)]
    return not any(part.isdigit() or part.isalpha() for part in parts)
