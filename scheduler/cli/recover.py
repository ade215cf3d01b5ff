"""``placement-scheduler recover``: take over and settle what dead schedulers left, by hand."""

from argparse import Namespace

from placement_client.clock import SYSTEM_CLOCK, Deadline
from scheduler.bootstrap import build
from scheduler.claims import Figures
from scheduler.cli.exits import ExitStatus
from scheduler.cli.log import set_up_log
from scheduler.cli.operator import require
from scheduler.cli.output import print_json
from scheduler.cli.progress import Progress
from scheduler.config import load_config
from scheduler.filter_scheduler import FilterScheduler

DEFAULT_DEADLINE_S = 180.0  # longer than the quarantine of what may still arrive, as configured by default
LOOK_EVERY_S = 0.2


def recover(asked: Namespace) -> ExitStatus:
    """Settle until nothing is left or the time is up, and print what is left. Raises SchedulerError."""
    conf = load_config(asked.config_file)
    set_up_log(conf)
    require(conf, "recover:run")
    deadline = Deadline.after(asked.deadline, SYSTEM_CLOCK)
    progress = Progress()
    try:
        with build(conf) as scheduler:
            left = _settled(scheduler, deadline, progress)
    finally:
        progress.clear()
    if asked.json:
        print_json(left)
    else:
        print(f"{_words(left)}." if _total(left) else "Nothing is left to settle.")
    return ExitStatus.IN_DOUBT if _total(left) else ExitStatus.OK


def _settled(scheduler: FilterScheduler, deadline: Deadline, progress: Progress) -> Figures:
    """Take over, then watch the background work until nothing is left or the time is up."""
    left = scheduler.recover(deadline.remaining())
    while _total(left) and not deadline.expired():
        progress.show(_words(left))
        SYSTEM_CLOCK.sleep(min(LOOK_EVERY_S, deadline.remaining()))
        left = scheduler.figures()
    return left


def _total(left: Figures) -> int:
    return left.open + left.in_doubt + left.releasing


def _words(left: Figures) -> str:
    return f"left to settle: {left.open} open, {left.in_doubt} in doubt, {left.releasing} being released"
