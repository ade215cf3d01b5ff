"""The operators of extra specs, one line a rule."""

import pytest

from scheduler.filters.operators import MalformedRequirement, predicate_of


@pytest.mark.parametrize(
    ("requirement", "value", "holds"),
    [
        ("= 4", "4", True),
        ("= 4", "5", True),
        ("= 4", "3", False),
        ("== 4", "4.0", True),
        ("== 4", "5", False),
        ("!= 4", "5", True),
        ("!= 4", "4", False),
        (">= 4", "4", True),
        (">= 4", "3.9", False),
        ("<= 4", "4", True),
        ("<= 4", "4.1", False),
        (">= 1e3", "1024", True),
        (">= -1", "0", True),
        (">= 4", "many", False),
        (">= 4", "nan", False),
        (">= 4", "", False),
        ("s== abc", "abc", True),
        ("s== abc", "abd", False),
        ("s!= abc", "abd", True),
        ("s!= abc", "abc", False),
        ("s< b", "a", True),
        ("s< b", "b", False),
        ("s<= b", "b", True),
        ("s<= b", "c", False),
        ("s> b", "c", True),
        ("s> b", "b", False),
        ("s>= b", "b", True),
        ("s>= b", "a", False),
        ("s>= 10", "9", True),
        ("<in> avx", "sse avx2", True),
        ("<in> avx", "sse", False),
        ("<all-in> avx aes", "aes avx sse", True),
        ("<all-in> avx aes", "avx sse", False),
        ("<or> a <or> b", "b", True),
        ("<or> a <or> b", "c", False),
        ("<or> a", "a", True),
        ("plain text", "plain text", True),
        ("plain text", "plain", False),
        ("plain", "plain text", False),
        ("4", "4.0", False),
        ("", "", True),
        ("", "x", False),
        ("ssd", "ssd", True),
    ],
)
def test_operator(requirement: str, value: str, holds: bool) -> None:
    assert predicate_of(requirement)(value) is holds


@pytest.mark.parametrize(
    "requirement",
    [
        *("=", "==", ">=", "s==", "<in>", "<all-in>", "<or>"),
        *(">=24", "<24", "> 24", "< 24", "=24", "=> 4", "s<b", "<in>avx", "<any> x", "!4"),
        *(">= many", "== nan", ">= inf", ">= 1_000", ">= 1 2", "s== a b", "<in> a b"),
        *("<or> a b", "<or> a <or>", "<or> <or>", "<or> a <or> b c"),
    ],
)
def test_what_is_no_operator_with_its_operands_is_malformed(requirement: str) -> None:
    """Nova compares some of these as text, answers False to others and crashes on the rest."""
    with pytest.raises(MalformedRequirement):
        predicate_of(requirement)
