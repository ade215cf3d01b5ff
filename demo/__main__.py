"""``python -m demo``: schedule until the fleet refuses, show the figures, prove the outcome."""

import argparse
import sys
from collections.abc import Iterator, Sequence

from demo.commands import commands
from demo.proof import Proof, Provider, proofs, read_held, read_providers
from demo.run import Answer, StopRule, run
from demo.screen import Tally, proof_lines, shown, summary
from demo.serve import DIRECTORY, serve
from demo.session import RESERVATION_PROJECT, Session, session
from demo.workload import workload
from placement_client.clock import SYSTEM_CLOCK
from placement_client.errors import PlacementError
from scheduler.errors import SchedulerError


def main(arguments: list[str] | None = None) -> int:
    """Return 0 when everything is proved, 1 when something does not hold or could not run, 130 after Ctrl-C."""
    asked = _parse(arguments)
    try:
        return serve(asked.seed) if asked.serve else demonstrate(asked.seed, StopRule(at_least=asked.requests))
    except (SchedulerError, PlacementError, RuntimeError) as error:
        print(f"The demo stopped: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Interrupted.", file=sys.stderr)
        return 130


def demonstrate(seed: int, rule: StopRule) -> int:
    """Run the demo once and return the exit status."""
    with session(seed) as running:
        started = SYSTEM_CLOCK.monotonic()
        answers = list(shown("requests", _answers(running, seed, rule), rule.at_least, Tally()))
        seconds = SYSTEM_CLOCK.monotonic() - started
        providers = list(shown("providers", read_providers(running.client, running.hosts), len(running.hosts)))
        outcome = _proofs(running, answers, providers)
    print("\n".join(["", *summary(answers, providers, seconds), "", *proof_lines(outcome), ""]))
    print("\n".join(["Next: make demo-server keeps a loaded server running.", *commands(DIRECTORY)]), flush=True)
    return 0 if all(proof.holds for proof in outcome) else 1


def _answers(running: Session, seed: int, rule: StopRule) -> Iterator[Answer]:
    return run(running.scheduler, workload(seed, running.hosts), rule)


def _proofs(running: Session, answers: Sequence[Answer], providers: Sequence[Provider]) -> list[Proof]:
    """Read back what the instances hold and what is left of reservations, and compare."""
    selections = [selection for answer in answers for selection in answer.selections]
    instances = [selection.instance_uuid for selection in selections]
    held = dict(shown("instances", read_held(running.client, instances), len(instances)))
    left = running.client.get_project_usages(RESERVATION_PROJECT).usages
    return proofs(selections, held, providers, sum(usage.get("consumer_count", 0) for usage in left.values()))


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m demo", description=__doc__)
    parser.add_argument("--serve", action="store_true", help="keep a loaded server running instead")
    parser.add_argument("--seed", type=int, default=1, help="which requests are drawn (default: %(default)s)")
    parser.add_argument("--requests", type=int, default=500, help="schedule at least so many (default: %(default)s)")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
