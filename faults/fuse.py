"""Fuses: they count what a program does, boundary by boundary, and go off at the n-th.

A boundary is a point between two bytecodes, or one before or after a C call, such as a write to a socket.
"""

import sys
import threading
from collections.abc import Callable, Mapping
from inspect import CO_GENERATOR
from types import BuiltinFunctionType, CodeType, FrameType, ModuleType, TracebackType
from typing import Any, Self

from faults.fleet import ROOT

PROTOCOL = ("scheduler/claims", "scheduler/filter_scheduler.py", "scheduler/explain", "placement_client/")
NOT_OURS = ("placement_client/testing",)

SOCKET_CALLS = {
    "_ssl": frozenset({"do_handshake", "write", "read", "shutdown"}),
    "_socket": frozenset({"connect", "connect_ex"}),
}
FILE_CALLS = {
    "posix": frozenset({"open", "mkdir", "chmod", "fchmod", "link", "unlink", "fsync", "close", "pwrite"}),
    "fcntl": frozenset({"flock"}),
}
JOURNAL_CALLS = {"sqlite3": frozenset({"commit", "rollback"})}
JOURNAL_METHODS = frozenset({"Connection.commit", "Connection.rollback"})  # psycopg's, which is Python


class BytecodeFuse:
    """Goes off before the n-th bytecode of the watched code; ``at`` 0 only counts.

    ``blow`` may raise, which then seems to come from that bytecode. Only the thread that enters is watched, unless
    ``all_threads``. ``line`` tells where it went off.
    """

    def __init__(
        self, at: int, blow: Callable[[], None], watched: Callable[[CodeType], bool], *, all_threads: bool = False
    ) -> None:
        self._at = at
        self._blow = blow
        self._watched = watched
        self._all_threads = all_threads
        self.count = 0
        self.line = ""

    def __enter__(self) -> Self:
        if self._all_threads:
            threading.settrace(self._trace)
        sys.settrace(self._trace)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        sys.settrace(None)
        if self._all_threads:
            threading.settrace(None)

    def _trace(self, frame: FrameType, event: str, argument: object) -> Any:
        if not self._watched(frame.f_code):
            return None
        frame.f_trace_opcodes = True
        frame.f_trace_lines = False
        return self._step

    def _step(self, frame: FrameType, event: str, argument: object) -> Any:
        if event == "opcode":
            self.count += 1
            if self.count == self._at:
                self.line = f"{frame.f_code.co_qualname}:{frame.f_lineno}"
                self._blow()
        return self._step


class InterruptFuse:
    """Goes off at the n-th moment at which CPython looks for signals and other asynchronous exceptions.

    That is when a function of the watched code begins, and when a call that it made has returned: what is raised then
    seems to come from the call. (It also looks when a loop begins again, always after a call in the watched code.)
    """

    def __init__(self, at: int, blow: Callable[[], None], watched: Callable[[CodeType], bool]) -> None:
        self._at = at
        self._blow = blow
        self._watched = watched
        self.count = 0
        self.line = ""

    def __enter__(self) -> Self:
        sys.setprofile(self._profile)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        sys.setprofile(None)

    def _profile(self, frame: FrameType, event: str, argument: object) -> None:
        if self._looks(frame, event):
            self.count += 1
            if self.count == self._at:
                self.line = f"{frame.f_code.co_qualname}:{frame.f_lineno}"
                self._blow()

    def _looks(self, frame: FrameType, event: str) -> bool:
        if event in {"call", "c_return"}:
            return self._watched(frame.f_code)
        yields = frame.f_code.co_flags & CO_GENERATOR  # it "returns" at each yield, where nothing is raised in it
        return event == "return" and not yields and frame.f_back is not None and self._watched(frame.f_back.f_code)


class CallFuse:
    """Goes off at the n-th boundary of the C calls of some modules, one before and one after each; 0 only counts.

    ``calls`` are names of functions by their module, or of methods by the module of their class.

    ``methods`` are qualified names of Python functions that count as well. All threads are watched.
    """

    def __init__(
        self,
        at: int,
        blow: Callable[[], None],
        calls: Mapping[str, frozenset[str]],
        methods: frozenset[str] = frozenset(),
    ) -> None:
        self._at = at
        self._blow = blow
        self._calls = calls
        self._methods = methods
        self.count = 0

    def __enter__(self) -> Self:
        threading.setprofile(self._profile)
        sys.setprofile(self._profile)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        sys.setprofile(None)
        threading.setprofile(None)

    def _profile(self, frame: FrameType, event: str, argument: object) -> None:
        if self._watched_call(argument) if event.startswith("c_") else self._watched_method(frame.f_code):
            self.count += 1
            if self.count == self._at:
                self._blow()

    def _watched_call(self, called: object) -> bool:
        if not isinstance(called, BuiltinFunctionType):
            return False
        owner = called.__self__
        module = owner.__name__ if isinstance(owner, ModuleType) else type(owner).__module__
        return called.__name__ in self._calls.get(module, frozenset())

    def _watched_method(self, code: CodeType) -> bool:
        return code.co_qualname in self._methods and "psycopg" in code.co_filename


def in_protocol(code: CodeType) -> bool:
    """Tell whether code belongs to claims, flow or client, or to the block handling of the standard library."""
    file = code.co_filename
    if file.startswith(ROOT):
        inside = file[len(ROOT) :]
        return inside.startswith(PROTOCOL) and not inside.startswith(NOT_OURS)
    return file.endswith(("/contextlib.py", "/threading.py", "/weakref.py"))


def in_project(code: CodeType) -> bool:
    """Tell whether code belongs to the scheduler or the client."""
    file = code.co_filename
    if not file.startswith(ROOT):
        return False
    inside = file[len(ROOT) :]
    return inside.startswith(("scheduler/", "placement_client/")) and not inside.startswith(NOT_OURS)


def everywhere(code: CodeType) -> bool:
    """Tell that any code of the client side counts: libraries too, but neither a server nor these fuses."""
    file = code.co_filename
    server = f"{ROOT}placement_client/testing", f"{ROOT}faults/"
    return not file.startswith(server) and "/requests_mock/" not in file
