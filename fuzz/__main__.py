"""``python -m fuzz``: fuzz everything that reads what others wrote, print a table, write JSON."""

import argparse
import base64
import logging
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import msgspec

from fuzz import deal
from fuzz.report import findings_of, heading, line_of, told, write_json
from fuzz.target import Finding, Target, judge
from fuzz.watch import Watch
from fuzz.worker import Done, Job, work


def main(arguments: list[str] | None = None) -> int:
    """Return 0 when nothing was found, 1 when something was, 130 after Ctrl-C."""
    asked = _parse(arguments)
    if asked.worker:
        return _work(msgspec.json.decode(asked.worker, type=Job), asked.work)
    with tempfile.TemporaryDirectory() as files:
        targets = _targets(Path(files))
        if asked.input:
            return _judge_again(targets[asked.only], base64.b64decode(asked.input))
        if asked.only:
            targets = {asked.only: targets[asked.only]}
        return _run(list(targets.values()), asked)


def _run(targets: list[Target], asked: argparse.Namespace) -> int:
    wanted = deal.ENGINES if asked.engine == "all" else (asked.engine,)
    engines = [engine for engine in wanted if deal.is_available(engine)]
    for engine in set(wanted) - set(engines):
        print(f"The engine {engine} cannot be used here, its package is missing; it is left out.")
    done: list[Done] = []
    print(heading(), flush=True)
    try:
        for one in deal.run_jobs(deal.jobs_of(targets, asked.inputs, engines, asked.seed), asked.work):
            done.append(one)
            print("\n".join([line_of(one), *_told(findings_of([one]))]), flush=True)
    except KeyboardInterrupt:
        print("Interrupted.", file=sys.stderr)
        return 130
    finally:
        write_json(done, asked.json)
    found = findings_of(done)
    print(f"\n{sum(one.inputs for one in done)} inputs, {len(found)} findings; written to {asked.json}")
    return 1 if found else 0


def _told(findings: Sequence[Finding]) -> list[str]:
    return [line for finding in findings for line in told(finding)]


def _judge_again(target: Target, data: bytes) -> int:
    with Watch() as watch:
        what = judge(target, data, watch)
    print(what or "nothing is wrong with this input")
    return 1 if what else 0


def _work(job: Job, folder: Path) -> int:
    work(job, folder, _instrumented if job.engine == "guided" else _targets)
    return 0


def _targets(files: Path) -> dict[str, Target]:
    from fuzz.targets import all_targets

    return dict(all_targets(files))


def _instrumented(files: Path) -> dict[str, Target]:
    """Return the targets after atheris has changed the packages, which it does while they are imported."""
    import atheris

    with atheris.instrument_imports(include=["placement_client", "scheduler"]):
        return _targets(files)


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m fuzz", description=__doc__)
    parser.add_argument("--inputs", type=int, help="how many over all targets; default: the long run, 20 million")
    parser.add_argument("--only", metavar="TARGET", help="one target alone")
    parser.add_argument("--input", metavar="BASE64", help="judge this one input of --only; findings print it")
    parser.add_argument("--seed", type=int, default=1, help="what mutations derive from (default: %(default)s)")
    parser.add_argument("--engine", choices=[*deal.ENGINES, "all"], default="all", help="default: %(default)s")
    parser.add_argument("--json", type=Path, default=Path(".fuzz/report.json"), help="default: %(default)s")
    parser.add_argument("--work", type=Path, default=Path(".fuzz"), help="where files go (default: %(default)s)")
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    return parser.parse_args(arguments)


if __name__ == "__main__":
    logging.disable(logging.CRITICAL)  # what the inputs make the program log is not looked at here
    sys.exit(main())
