"""How far a long command is: one line that is written over on a terminal, nothing elsewhere."""

import sys
from typing import TextIO

ERASE = "\r\x1b[K"
STEPS = 100  # a line is drawn this often at most, and at the end


class Progress:
    """Draws on standard error, so that standard output holds the answer alone; call it, then ``clear`` it."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stderr

    def __call__(self, what: str, done: int, total: int) -> None:
        """Show what is being done, how many are done, and of how many."""
        if done == total or done % max(1, total // STEPS) == 0:
            self.show(f"{what}: {done} of {total}")

    def show(self, words: str) -> None:
        """Write over the line."""
        if self._stream.isatty():
            self._stream.write(f"{ERASE}{words}")
            self._stream.flush()

    def clear(self) -> None:
        """Take the line away."""
        self.show("")
