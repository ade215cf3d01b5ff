"""The command ``placement-scheduler``: arguments, and one place where errors become exit statuses."""

import argparse
import importlib.metadata
import math
import os
import signal
import sys
from types import FrameType

from placement_client.errors import PlacementError
from scheduler.cli.audit import DEFAULT_TTL_S, audit
from scheduler.cli.check import check
from scheduler.cli.exits import MEANINGS, ExitStatus, status_of
from scheduler.cli.explain import explain
from scheduler.cli.pseudonym import KINDS, pseudonym
from scheduler.cli.recover import DEFAULT_DEADLINE_S, recover
from scheduler.cli.replay import replay
from scheduler.cli.schedule import OPERATIONS, schedule
from scheduler.errors import SchedulerError
from scheduler.logs import install_hooks, safe_traceback

PRIVATE = 0o077  # whatever file the command makes, the log's included, only its owner can read


def main(arguments: list[str] | None = None) -> int:
    """Run one command and return its exit status."""
    asked = _parser().parse_args(arguments)
    signal.signal(signal.SIGTERM, _interrupt)
    install_hooks()
    os.umask(PRIVATE)
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
    if getattr(error, "detail", ""):
        print(getattr(error, "detail", ""), file=sys.stderr)
    request_id = getattr(error, "request_id", None)
    if request_id:
        print(f"Request {request_id}, reason {getattr(error, 'reason', '') or error.code}", file=sys.stderr)
    return status_of(error)


def _print_defect(error: Exception) -> ExitStatus:
    print(f"This is a defect, please report it:\n{safe_traceback(error)}", file=sys.stderr)
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
    _add_operation(one)
    one.set_defaults(command=schedule)
    one = commands.add_parser("explain", help="say in words why a request ended as it did")
    one.add_argument("request_id", metavar="REQUEST_ID", nargs="?", help="default: the latest request")
    one.add_argument("--json", action="store_true", help="print the decision record as JSON")
    one.set_defaults(command=explain)
    one = commands.add_parser("replay", help="decide again from a record, and compare bit by bit")
    one.add_argument("request_id", metavar="REQUEST_ID", nargs="?", help="default: the latest request")
    one.add_argument("--json", action="store_true", help="print JSON instead of words")
    one.set_defaults(command=replay)
    one = commands.add_parser("check", help="look whether everything is in place, and say what to do if not")
    one.set_defaults(command=check)
    _add_care(commands)


def _add_operation(schedule: argparse.ArgumentParser) -> None:
    """Add what is done with instances that are somewhere already."""
    schedule.add_argument("--operation", choices=OPERATIONS, default="build", help="default: %(default)s")
    schedule.add_argument("--migration-uuid", metavar="UUID", help="the consumer that keeps the source of a move")
    schedule.add_argument(
        "--allow-resize-to-same-host", action="store_true", default=None, help="let migrate stay on the host"
    )


def _add_care(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the commands that look after what claims leave behind."""
    one = commands.add_parser("audit", help="look for reservations nobody owns, orphans, and overfull providers")
    one.add_argument("--heal", action="store_true", help="release the reservations found that are older than the TTL")
    one.add_argument("--ttl", type=_seconds, default=DEFAULT_TTL_S, metavar="SECONDS", help="default: %(default)g")
    one.add_argument("--json", action="store_true", help="print JSON instead of tables")
    one.set_defaults(command=audit)
    one = commands.add_parser("recover", help="take over and settle what dead schedulers of this journal left")
    one.add_argument(
        "--deadline", type=_seconds, default=DEFAULT_DEADLINE_S, metavar="SECONDS", help="default: %(default)g"
    )
    one.add_argument("--json", action="store_true", help="print JSON instead of words")
    one.set_defaults(command=recover)
    _add_lookup(commands)


def _add_lookup(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command that finds a known identifier in the log."""
    one = commands.add_parser("pseudonym", help="say under which names known identifiers appear in the log")
    one.add_argument("kind", metavar="KIND", choices=KINDS, help=", ".join(KINDS))
    one.add_argument("identifiers", metavar="ID", nargs="+", help="as Placement, Nova or Keystone show it")
    one.add_argument("--all", action="store_true", help="under the previous keys too")
    one.add_argument("--json", action="store_true", help="print JSON instead of a table")
    one.set_defaults(command=pseudonym)


def _seconds(text: str) -> float:
    """Return a time that is finite and not negative. Raises ValueError, which argparse turns into usage."""
    seconds = float(text)
    if not 0.0 <= seconds < math.inf:
        raise ValueError
    return seconds


def _version() -> str:
    try:
        return importlib.metadata.version("placement-scheduler")
    except importlib.metadata.PackageNotFoundError:
        return "(not installed)"
