"""The log of a process: its set-up by oslo.log, the key of its pseudonyms, one record a request, safe tracebacks."""

from scheduler.logs.keys import key_from_file
from scheduler.logs.oslo import setup
from scheduler.logs.requests import RequestLog
from scheduler.logs.tracebacks import install_hooks, safe_traceback

__all__ = ["setup", "key_from_file", "RequestLog", "safe_traceback", "install_hooks"]
