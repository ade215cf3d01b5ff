"""Nothing here draws from a generator that anybody else can seed."""

import ast
import random
from collections.abc import Iterator

import numpy as np
import pytest

from placement_client.clock import SYSTEM_CLOCK
from placement_client.retry import RetryPolicy
from scheduler.claims import Claimer
from scheduler.claims.journal import MemoryJournal
from scheduler.randomness import RandomStream, SystemRandomSource
from scheduler.settings import ClaimSettings
from tests.architecture.source import PACKAGES, sources

BANNED_MODULES = {"random", "numpy.random"}
BANNED_NAMES = {"np.random", "numpy.random", "uuid.uuid1", "uuid1"}


def banned(tree: ast.AST) -> Iterator[str]:
    """Yield every import or use of a generator that can be seeded or foreseen."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in BANNED_MODULES)
        elif isinstance(node, ast.ImportFrom):
            names = {f"{node.module}.{alias.name}" for alias in node.names} | {node.module}
            yield from names & (BANNED_MODULES | BANNED_NAMES)
        elif isinstance(node, ast.Attribute | ast.Name) and ast.unparse(node) in BANNED_NAMES:
            yield ast.unparse(node)


def test_no_module_uses_a_generator_that_can_be_seeded():
    assert [(source.path, name) for source in sources(*PACKAGES) for name in banned(source.tree)] == []


@pytest.mark.parametrize(
    "text",
    [
        "import random",
        "import random as r",
        "def f():\n    from random import choice",
        "import numpy.random",
        "from numpy import random",
        "import numpy as np\nnp.random.rand()",
        "import uuid\nuuid.uuid1()",
        "from uuid import uuid1",
    ],
)
def test_the_search_finds_each_way_in(text):
    """Negative control."""
    assert list(banned(ast.parse(text)))


class Waits:
    """A clock that notes how long it was told to sleep."""

    def __init__(self) -> None:
        self.slept: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)

    def __getattr__(self, name: str) -> object:
        return getattr(SYSTEM_CLOCK, name)


def drawn_after(seed: int) -> list[object]:
    """Return a seed, a reservation id, a back-off and a retry pause, drawn after the global generators were seeded."""
    random.seed(seed)
    np.random.seed(seed)
    clock = Waits()
    claimer = Claimer(None, MemoryJournal(), ClaimSettings(), clock)
    claimer.pause(0)
    return [SystemRandomSource().seed("req-1"), claimer.new_id(), clock.slept[0], next(RetryPolicy().pauses())]


def test_seeding_the_global_generators_has_no_effect():
    """Negative control: the global generators themselves do repeat."""
    first, second = drawn_after(7), drawn_after(7)
    assert [one for one, other in zip(first, second, strict=True) if one == other] == []
    random.seed(7)
    one = random.random()
    random.seed(7)
    assert random.random() == one


def test_the_global_generators_are_not_disturbed():
    random.seed(1)
    state, numpy_state = random.getstate(), np.random.get_state()[1].tolist()
    RandomStream(SystemRandomSource().seed("req-1")).permutation(20)
    Claimer(None, MemoryJournal(), ClaimSettings(), Waits()).pause(0)
    assert random.getstate() == state
    assert np.random.get_state()[1].tolist() == numpy_state
