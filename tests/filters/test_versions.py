"""Version predicates."""

import pytest

from scheduler.filters.versions import MalformedPredicate, predicate_of, version_of


@pytest.mark.parametrize(
    ("text", "version", "holds"),
    [
        ("(>=2.0, <3)", (2, 12, 0), True),
        ("(>=2.0, <3)", (3,), False),
        (">=2.0,<3", (1, 9), False),
        ("==2", (2, 0, 0), True),
        ("==2", (2, 0, 1), False),
        ("!=2.1", (2, 1), False),
        (">2.9", (2, 10), True),
        ("<=2.10", (2, 9), True),
        ("< 1", (0,), True),
    ],
)
def test_predicate(text: str, version: tuple[int, ...], holds: bool) -> None:
    """Parts are compared as numbers, and trailing zeros do not matter."""
    assert predicate_of(text)(version) is holds


@pytest.mark.parametrize("text", ["", "()", "2.0", "=2", "~=2", ">=2,", ">=", ">=a", "(>=2", ">=2 <3", ">=2.", ">=-1"])
def test_anything_else_is_malformed(text: str) -> None:
    with pytest.raises(MalformedPredicate):
        predicate_of(text)


@pytest.mark.parametrize(("number", "version"), [(2012001, (2, 12, 1)), (0, ()), (7, (7,)), (6002000, (6, 2, 0))])
def test_a_number_is_three_digits_a_part(number: int, version: tuple[int, ...]) -> None:
    assert version_of(number) == version
