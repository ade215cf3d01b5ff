"""The types of the fields of a log record. Each turns values of its kind into text, and refuses any other."""

import re
from typing import Protocol
from uuid import UUID

from msgspec import Struct

from scheduler.events.pseudonyms import Pseudonyms

MAX_FIELD = 256  # characters
ABSENT = "-"

_CODE = re.compile(r"[A-Za-z0-9_]{1,64}")
_VERSION = re.compile(r"[0-9A-Za-z.+!]{1,64}")
_KEY_ID = re.compile(r"[a-z2-7]{8}")
_PLAIN = re.compile(r"[A-Za-z0-9_.,:;/+@~<>()-]+")
_UNSAFE = re.compile(r'[^ -~]|["\\]')


class Field(Protocol):
    """The type of one field."""

    def text(self, value: object, pseudonyms: Pseudonyms) -> str:
        """Return a value as text. Raises TypeError, which holds nothing of the value, when it is of another type."""
        ...


class Count(Struct, frozen=True):
    """A whole number, not negative."""

    def text(self, value: object, pseudonyms: Pseudonyms) -> str:
        """Return its digits."""
        if type(value) is int and 0 <= value < 1 << 63:
            return str(value)
        raise TypeError("expected a count")


class Millis(Struct, frozen=True):
    """A time in milliseconds."""

    def text(self, value: object, pseudonyms: Pseudonyms) -> str:
        """Return it with one decimal."""
        if (type(value) is int or type(value) is float) and 0 <= value < 1 << 63:
            return f"{value:.1f}"
        raise TypeError("expected milliseconds")


class Code(Struct, frozen=True):
    """A stable code of this package, "" for none."""

    def text(self, value: object, pseudonyms: Pseudonyms) -> str:
        """Return the code."""
        if type(value) is str and (not value or _CODE.fullmatch(value)):
            return value or ABSENT
        raise TypeError("expected a code")


class OneOf(Struct, frozen=True):
    """One of a few words."""

    words: tuple[str, ...]

    def text(self, value: object, pseudonyms: Pseudonyms) -> str:
        """Return the word."""
        if isinstance(value, str) and value in self.words:
            return str(self.words[self.words.index(value)])
        raise TypeError("expected one of the words of the field")


class Pseudonym(Struct, frozen=True):
    """An identifier, of which the record holds the pseudonym; "" for none."""

    kind: str

    def text(self, value: object, pseudonyms: Pseudonyms) -> str:
        """Return the pseudonym."""
        if isinstance(value, str | UUID):
            return pseudonyms(self.kind, value) if value != "" else ABSENT
        raise TypeError("expected an identifier")


class TypeName(Struct, frozen=True):
    """The name of a class, of which the class itself is given, so that no other text can be."""

    def text(self, value: object, pseudonyms: Pseudonyms) -> str:
        """Return the name, whatever its author wrote, on one line."""
        if isinstance(value, type):
            return one_line(value.__name__)
        raise TypeError("expected a class")


class Version(Struct, frozen=True):
    """The version of this package."""

    def text(self, value: object, pseudonyms: Pseudonyms) -> str:
        """Return the version."""
        if type(value) is str and _VERSION.fullmatch(value):
            return value
        raise TypeError("expected a version")


class KeyId(Struct, frozen=True):
    """Which key the pseudonyms are made with."""

    def text(self, value: object, pseudonyms: Pseudonyms) -> str:
        """Return the id."""
        if type(value) is str and _KEY_ID.fullmatch(value):
            return value
        raise TypeError("expected the id of a key")


class Words(Struct, frozen=True):
    """A sentence of this package that names options and the like, never what they are set to."""

    def text(self, value: object, pseudonyms: Pseudonyms) -> str:
        """Return the sentence on one line."""
        if type(value) is str:
            return one_line(value)
        raise TypeError("expected words")


def one_line(text: str) -> str:
    """Return any text as printable ASCII of at most ``MAX_FIELD`` characters, in quotes unless it is a plain word.

    Nothing in it can end the line, command a terminal, turn the direction of writing, fail to be encoded, or be taken
    for another field.
    """
    safe = _UNSAFE.sub(_escape, text[:MAX_FIELD])
    if len(text) <= MAX_FIELD and len(safe) <= MAX_FIELD and _PLAIN.fullmatch(safe):
        return safe
    room = MAX_FIELD - 2
    return f'"{safe}"' if len(text) <= room and len(safe) <= room else f'"{safe[: room - 3]}..."'


def _escape(found: re.Match[str]) -> str:
    number = ord(found[0])
    if number < 0x100:
        return f"\\x{number:02x}"
    return f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"
