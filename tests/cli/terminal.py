"""A terminal for programs that look different on one."""

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios

from tests.architecture.source import ROOT

_CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


def seen_on_terminal(program: str, columns: int) -> str:
    """Run a Python program on a terminal of this width and return what people see, without colours."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
    environment = os.environ | {"PYTHONPATH": str(ROOT), "TERM": "xterm"}
    with subprocess.Popen([sys.executable, "-c", program], stdout=theirs, stderr=theirs, env=environment) as process:
        os.close(theirs)
        written = b"".join(iter(lambda: _read(ours), b""))
    os.close(ours)
    assert process.returncode == 0, written
    return _CONTROL.sub("", written.decode())


def _read(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, 4096)
    except OSError:  # Linux says so when the other end is closed
        return b""
