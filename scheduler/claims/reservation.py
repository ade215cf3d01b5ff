"""What a caller holds between reserving and confirming."""

from collections.abc import Callable
from types import TracebackType
from typing import Self

from scheduler.errors import InvalidRequest
from scheduler.model import Selection


class Reservation:
    """Room held for a batch: confirm it, or leave the block and it is released.

    ``selections`` has one list an instance: the selection, then its alternates.
    """

    def __init__(
        self,
        request_id: str,
        selections: list[list[Selection]],
        confirm: Callable[[], None],
        release: Callable[[], None],
    ) -> None:
        self.request_id = request_id
        self.selections = selections
        self._confirm = confirm
        self._release = release
        self._open = True

    def confirm(self) -> list[list[Selection]]:
        """Move the room to the instances and return the selections; the errors of ``select_destinations``."""
        if not self._open:
            raise InvalidRequest("the reservation was confirmed or released before")
        self._open = False
        self._confirm()
        return self.selections

    def release(self) -> None:
        """Give the room back; what cannot be released now is tried again in the background."""
        if self._open:
            self._open = False
            self._release()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()
