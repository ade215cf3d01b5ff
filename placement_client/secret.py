"""A value that is read on purpose or not at all."""

import hmac
from typing import Final, Generic, NoReturn, Self, TypeVar, final

T = TypeVar("T", str, bytes)

MASK: Final = "<secret>"


@final
class Secret(Generic[T]):
    """Holds a password, a key, or a text that contains one; only ``reveal`` gives it out.

    Whatever prints, formats, copies or encodes it sees a mask or is refused. Comparing takes the same time wherever the
    difference is.
    """

    __slots__ = ("_value",)
    _value: T

    def __init__(self, value: T) -> None:
        object.__setattr__(self, "_value", value)

    def reveal(self) -> T:
        """Return the value; to be called where it is used, and its answer kept nowhere."""
        return self._value

    def __repr__(self) -> str:
        return MASK

    def __format__(self, spec: str) -> str:
        return MASK

    def __bool__(self) -> bool:
        return bool(self._value)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret) or type(self._value) is not type(other._value):
            return NotImplemented
        return hmac.compare_digest(_octets(self._value), _octets(other._value))

    __hash__ = None  # type: ignore[assignment]  # a hash would be a fingerprint

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError("a secret does not change")

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: object) -> Self:
        return self

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("a secret cannot be pickled")


def _octets(value: str | bytes) -> bytes:
    return value if isinstance(value, bytes) else value.encode(errors="surrogatepass")
