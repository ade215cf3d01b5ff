"""What the mock's handlers see of HTTP: the call, the reply, the refusal, and bodies read as strictly as Placement."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, TypeVar

import msgspec
from msgspec import Meta

CONCURRENT_UPDATE = "placement.concurrent_update"
UNDEFINED = "placement.undefined_code"
MAX_INT = 2**31 - 1

ClassName = Annotated[str, Meta(pattern=r"^[A-Z0-9_]+$", max_length=255)]
CustomName = Annotated[str, Meta(pattern=r"^CUSTOM_[A-Z0-9_]+$", max_length=255)]
OwnerName = Annotated[str, Meta(min_length=1, max_length=255)]
UuidKey = Annotated[str, Meta(pattern=r"^[0-9a-fA-F-]{36}$")]

T = TypeVar("T")


class HttpError(Exception):
    """A refusal on its way to the client."""

    def __init__(self, status: int, detail: str, code: str = UNDEFINED) -> None:
        self.status = status
        self.detail = detail
        self.code = code
        super().__init__(detail)


@dataclass(frozen=True, slots=True)
class Ask:
    """One call after routing; ``version`` is the minor microversion, ``arguments`` the named parts of the path."""

    version: int
    arguments: dict[str, str]
    query: list[tuple[str, str]]
    content_type: str
    body: bytes

    def values(self, key: str) -> list[str]:
        """Return all values of a query key, in order."""
        return [value for name, value in self.query if name == key]

    def value(self, key: str) -> str | None:
        """Return the last value of a query key, which is the one that counts."""
        values = self.values(key)
        return values[-1] if values else None

    def allow(self, *keys: str) -> None:
        """Refuse query keys other than these."""
        unknown = {name for name, _ in self.query} - set(keys)
        if unknown:
            raise HttpError(400, f"Invalid query string parameters: Additional properties are not allowed: {unknown}")


@dataclass(frozen=True, slots=True)
class Reply:
    """What a handler answers; ``content`` None is an empty body."""

    status: int
    content: dict[str, Any] | None = None


Handler = Callable[[Any, Ask], Reply]


def read_body(ask: Ask, model: type[T]) -> T:
    """Return the body as ``model``. Raises HttpError 400 or 415."""
    if ask.content_type != "application/json":
        raise HttpError(415, f"The media type {ask.content_type or None} is not supported, use application/json")
    try:
        return msgspec.json.decode(ask.body, type=model)
    except msgspec.ValidationError as error:
        detail = f"JSON does not validate: {error}"
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        detail = f"Malformed JSON: {error}"
    raise HttpError(400, detail)
