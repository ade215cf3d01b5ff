"""The engine that builds inputs from strategies instead of changing seeds; slow, and good at what nobody thought of."""

import json
from typing import Any

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from fuzz.target import Target
from fuzz.worker import Tally


def engine(tally: Tally) -> None:
    """Judge inputs that hypothesis draws; it shrinks nothing, because findings do not stop the run."""
    quiet = settings(
        max_examples=tally.job.inputs,
        deadline=None,
        database=None,
        derandomize=False,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )

    @quiet
    @seed(tally.job.seed)
    @given(inputs_of(tally.target))
    def judge(data: bytes) -> None:
        tally.judge(data)

    judge()


def inputs_of(target: Target) -> st.SearchStrategy[bytes]:
    """Return inputs of the form that a target reads, made of its own words among others."""
    words = st.sampled_from([word.decode("utf-8", "replace") for word in target.words] or ["x"])
    text = st.one_of(words, st.text(max_size=20))
    if target.shape == "json":
        return st.one_of(_documents(target, text), _json_of(text)).map(_encoded)
    between = "\n" if target.shape == "lines" else " "
    parts = st.lists(st.one_of(text, st.sampled_from(_parts(target, between))), max_size=20)
    return parts.map(lambda chosen: between.join(chosen).encode("utf-8", "surrogatepass"))


def _json_of(text: st.SearchStrategy[str]) -> st.SearchStrategy[Any]:
    scalars = st.one_of(st.none(), st.booleans(), st.integers(-(2**65), 2**65), st.floats(), text)
    return st.recursive(
        scalars,
        lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(text, inner, max_size=4)),
        max_leaves=12,
    )


def _documents(target: Target, text: st.SearchStrategy[str]) -> st.SearchStrategy[Any]:
    """Return valid documents whose members are replaced here and there."""
    valid = [document for document in map(json.loads, target.seeds) if isinstance(document, dict)]
    if not valid:
        return _json_of(text)
    keys = sorted({key for document in valid for key in document})
    changes = st.dictionaries(st.one_of(st.sampled_from(keys), text), _json_of(text), max_size=3)
    return st.tuples(st.sampled_from(valid), changes).map(lambda pair: pair[0] | pair[1])


def _parts(target: Target, between: str) -> list[str]:
    return [part for seed in target.seeds for part in seed.decode("utf-8", "replace").split(between)]


def _encoded(document: Any) -> bytes:
    return json.dumps(document).encode()
