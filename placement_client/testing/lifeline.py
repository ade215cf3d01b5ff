"""Ties a child process to the life of its parent, so that a killed test run leaves no server behind."""

import contextlib
import ctypes
import signal

_PR_SET_PDEATHSIG = 1  # linux/prctl.h


def die_with_parent(sign: signal.Signals = signal.SIGKILL) -> None:
    """Ask the kernel to send this process ``sign`` when the thread that started it ends; only Linux can."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(sign))


def on_starting(server: object) -> None:
    """Let gunicorn's master end with the process that started it (a gunicorn server hook)."""
    die_with_parent(signal.SIGTERM)


def post_fork(server: object, worker: object) -> None:
    """Let a gunicorn worker end with the master (a gunicorn server hook)."""
    die_with_parent(signal.SIGKILL)
