"""Counting instead of timing: what Python executes, what numpy goes through, what is allocated."""

import gc
import sys
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median
from types import FrameType
from typing import Any

import numpy as np
from msgspec import Struct, structs

Work = Callable[[], object]


def opcodes(work: Work) -> int:
    """Return how many instructions Python executes; a loop over anything counts, in a comprehension as well."""
    count = 0

    def counting(frame: FrameType, event: str, _: Any) -> Any:
        nonlocal count
        frame.f_trace_lines, frame.f_trace_opcodes = False, True
        count += event == "opcode"
        return counting

    before = sys.gettrace()
    sys.settrace(counting)
    try:
        work()
    finally:
        sys.settrace(before)
    return count


def blocks_kept(work: Work) -> int:
    """Return how many blocks of memory the result of some work consists of.

    The median of several times, as what other tests left is given back at any moment.
    """
    work()
    return median(_blocks_kept(work) for _ in range(5))


def _blocks_kept(work: Work) -> int:
    gc.collect()
    before = sys.getallocatedblocks()
    result = work()
    gc.collect()
    kept = sys.getallocatedblocks() - before
    del result
    return kept


@dataclass
class Passes:
    """How often numpy went through arrays, and through how many elements in all."""

    times: int = 0
    elements: int = 0

    def note(self, *arrays: Any) -> None:
        self.times += 1
        self.elements += max((array.size for array in arrays if isinstance(array, np.ndarray)), default=0)


class Counted(np.ndarray):
    """An array whose use is counted, and that of everything that is made of it."""

    passes = Passes()

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, out: Any = None, **more: Any) -> Any:
        outputs = {} if out is None else {"out": tuple(map(_plain, out))}
        plain = list(map(_plain, inputs))
        Counted.passes.note(*plain)
        return _counted(getattr(ufunc, method)(*plain, **outputs, **more))

    def __array_function__(self, func: Any, types: Any, args: Any, kwargs: Any) -> Any:
        plain = list(map(_plain, args))
        Counted.passes.note(*plain)
        return _counted(func(*plain, **{name: _plain(value) for name, value in kwargs.items()}))

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, np.ndarray):
            Counted.passes.note(index)
        return _counted(self.view(np.ndarray)[_plain(index)])

    def __setitem__(self, index: Any, value: Any) -> None:
        if isinstance(index, np.ndarray):
            Counted.passes.note(index)
        self.view(np.ndarray)[_plain(index)] = _plain(value)


def passes(work: Callable[[Any], object], value: Any) -> Passes:
    """Return how numpy goes through the arrays of a value, a tree of Structs, while some work is done on it."""
    counted = with_counted(value)
    Counted.passes = Passes()
    work(counted)
    return Counted.passes


def with_counted(value: Any) -> Any:
    """Return the same Struct with every array counted, those of the Structs in it as well."""
    if isinstance(value, np.ndarray):
        return value.view(Counted)
    if isinstance(value, dict) and any(isinstance(one, np.ndarray) for one in value.values()):
        return {key: with_counted(one) for key, one in value.items()}
    if not isinstance(value, Struct):
        return value
    parts = {name: with_counted(getattr(value, name)) for name in value.__struct_fields__}
    return structs.replace(value, **parts)


def _plain(value: Any) -> Any:
    if isinstance(value, Counted):
        return value.view(np.ndarray)
    if isinstance(value, list | tuple):
        return type(value)(map(_plain, value))
    return value


def _counted(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return value.view(Counted)
    if isinstance(value, tuple):
        return tuple(map(_counted, value))
    return value
