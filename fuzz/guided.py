"""The engine that learns from coverage: atheris, which is libFuzzer for Python, with our mutations."""

import os

import atheris

from fuzz.dice import Dice
from fuzz.mutate import MAX_BYTES, mutate
from fuzz.worker import Tally


def engine(tally: Tally) -> None:
    """Judge inputs that libFuzzer chooses; ends the process, because libFuzzer does not return.

    The packages have to be instrumented before they are imported. ``cov:`` on standard error are the edges reached.
    """
    corpus = tally.folder / "corpus"
    corpus.mkdir(exist_ok=True)
    for number, seed in enumerate(tally.target.seeds):
        (corpus / f"seed-{number}").write_bytes(seed)

    def judge(data: bytes) -> None:
        tally.judge(data)
        if tally.is_done():
            tally.write()
            os._exit(0)

    def change(data: bytes, longest: int, seed: int) -> bytes:
        if seed % 4 == 0:
            changed: bytes = atheris.Mutate(data, longest)
            return changed
        return mutate(tally.target, data, Dice(str(seed)), 1)[:longest]

    # One input more than asked for, so that it is the tally that ends the run.
    options = [f"-runs={tally.job.inputs + 1}", f"-seed={tally.job.seed + 1}", f"-max_len={MAX_BYTES}"]
    quiet = ["-timeout=60", "-rss_limit_mb=0", "-print_final_stats=1", "-reload=0"]
    atheris.Setup(["fuzz", *options, *quiet, str(corpus)], judge, custom_mutator=change)
    atheris.Fuzz()
