"""The log of a process: the key of its pseudonyms, one record a request, safe tracebacks; ``oslo`` sets it up."""

from scheduler.logs.keys import key_from_file
from scheduler.logs.requests import RequestLog
from scheduler.logs.tracebacks import install_hooks, safe_traceback

__all__ = ["key_from_file", "RequestLog", "safe_traceback", "install_hooks"]
