"""What an input may cost: two seconds of processor time, and a bounded growth of memory."""

import mmap
import resource
import signal
from pathlib import Path
from types import FrameType, TracebackType
from typing import Self

LIMIT_S = 2.0
GROWTH_KIB = 64 << 10
TOTAL_GROWTH_KIB = 256 << 10
WARM_UP = 2000
MAX_BYTES = 1 << 16


class Hang(BaseException):
    """The input that is being judged has used up its time; not an Exception, so that no target swallows it."""


class Watch:
    """Guards the inputs of one process, one after the other, as a context manager.

    The input under way is kept in a file, from where the parent reads it when this process dies of it. Time is that of
    the processor, so a busy machine makes no findings: a timer that ticks looks whether the input is still the same.
    Memory is the peak of the process; it may grow by 64 MiB for one input, and by 256 MiB over all after a warm-up.
    """

    def __init__(self, black_box: Path | None = None) -> None:
        self._box = _opened(black_box) if black_box else None
        self._number = self._ticked_at = 0
        self._peak = self._settled = peak_kib()

    def begin(self, data: bytes) -> None:
        """Note that an input is under way."""
        self._number += 1
        if self._box:
            self._box[:4] = min(len(data), MAX_BYTES).to_bytes(4)
            self._box[4 : 4 + min(len(data), MAX_BYTES)] = data[:MAX_BYTES]

    def end(self) -> str | None:
        """Return what is wrong with the memory that the input took, None when it is within bounds."""
        before, self._peak = self._peak, peak_kib()
        if self._number <= WARM_UP:
            self._settled = self._peak
        if self._peak - before > GROWTH_KIB:
            return f"took more than {GROWTH_KIB >> 10} MiB"
        if self._peak - self._settled > TOTAL_GROWTH_KIB:
            self._settled = self._peak
            return f"was the last of many that took more than {TOTAL_GROWTH_KIB >> 10} MiB together"
        return None

    def __enter__(self) -> Self:
        signal.signal(signal.SIGVTALRM, self._tick)
        signal.setitimer(signal.ITIMER_VIRTUAL, LIMIT_S, LIMIT_S)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)

    def _tick(self, number: int, frame: FrameType | None) -> None:
        if self._number and self._ticked_at == self._number:
            raise Hang
        self._ticked_at = self._number


def peak_kib() -> int:
    """Return the most memory this process has had so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def last_input(black_box: Path) -> bytes:
    """Return the input that a process was judging when it ended."""
    content = black_box.read_bytes()
    return content[4 : 4 + int.from_bytes(content[:4])]


def _opened(path: Path) -> mmap.mmap:
    path.write_bytes(bytes(MAX_BYTES + 4))
    with path.open("r+b") as file:
        return mmap.mmap(file.fileno(), MAX_BYTES + 4)
