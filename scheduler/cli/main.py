"""The command ``placement-scheduler``: arguments, and one place where errors become exit statuses."""

import argparse
import importlib.metadata
import signal
import sys
import traceback
from types import FrameType

from placement_client.errors import PlacementError
from scheduler.cli.check import check
from scheduler.cli.exits import MEANINGS, ExitStatus, status_of
from scheduler.cli.explain import explain
from scheduler.cli.schedule import schedule
from scheduler.errors import SchedulerError


def main(arguments: list[str] | None = None) -> int:
    """Run one command and return its exit status."""
    asked = _parser().parse_args(arguments)
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        return int(asked.command(asked))
    except KeyboardInterrupt:
        print("Interrupted; what was not confirmed has been released.", file=sys.stderr)
        return ExitStatus.INTERRUPTED
    except (SchedulerError, PlacementError) as error:
        return _print_error(error)
    except Exception as error:  # noqa: BLE001  (its text may hold anything, so only its type and place are shown)
        return _print_defect(error)


def _interrupt(number: int, frame: FrameType | None) -> None:
    """Let SIGTERM unwind like Ctrl-C, so that what is claimed and not confirmed is released."""
    raise KeyboardInterrupt


def _print_error(error: SchedulerError | PlacementError) -> ExitStatus:
    for problem in getattr(error, "problems", ()) or (str(error),):
        print(problem, file=sys.stderr)
    request_id = getattr(error, "request_id", None)
    if request_id:
        print(f"Request {request_id}, reason {getattr(error, 'reason', '') or error.code}", file=sys.stderr)
    return status_of(error)


def _print_defect(error: Exception) -> ExitStatus:
    traceback.print_tb(error.__traceback__)
    print(f"This is a defect, please report it: {type(error).__name__}", file=sys.stderr)
    return ExitStatus.DEFECT


def _parser() -> argparse.ArgumentParser:
    statuses = "\n".join(f"  {status:3}  {meaning}" for status, meaning in MEANINGS.items())
    parser = argparse.ArgumentParser(
        prog="placement-scheduler",
        description="Schedule requests on a fleet whose capacity is kept in OpenStack Placement.",
        epilog=f"exit status:\n{statuses}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {_version()}")
    parser.add_argument("--config-file", metavar="FILE", required=True, help="the ini file (etc/scheduler.ini.sample)")
    _add_commands(parser.add_subparsers(title="commands", required=True, metavar="COMMAND"))
    return parser


def _add_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    one = commands.add_parser("schedule", help="place a request and claim the room for it")
    one.add_argument(
        "request", metavar="REQUEST.json", help='a request document (docs/request.md), "-" for standard input'
    )
    one.add_argument("--json", action="store_true", help="print JSON instead of a table")
    one.set_defaults(command=schedule)
    one = commands.add_parser("explain", help="say in words why a request ended as it did")
    one.add_argument("request_id", metavar="REQUEST_ID", nargs="?", help="default: the latest request")
    one.add_argument("--json", action="store_true", help="print the decision record as JSON")
    one.set_defaults(command=explain)
    one = commands.add_parser("check", help="look whether everything is in place, and say what to do if not")
    one.set_defaults(command=check)


def _version() -> str:
    try:
        return importlib.metadata.version("placement-scheduler")
    except importlib.metadata.PackageNotFoundError:
        return "(not installed)"
