"""The operators of extra specs: Nova's table, read strictly.

The first word of a requirement is the operator; without one the whole text must be equal. What Nova would let pass or
crash on (``>=24`` without a blank, an operator without operand, surplus words, an operand that is not a number) is
``MalformedRequirement``.
"""

import re
from collections.abc import Callable, Mapping
from operator import eq, ge, gt, le, lt, ne
from typing import Any

from scheduler.model.messages import shown

Predicate = Callable[[str], bool]
Comparison = Callable[[Any, Any], bool]

NUMERIC: Mapping[str, Comparison] = {"=": ge, "==": eq, "!=": ne, ">=": ge, "<=": le}
TEXTUAL: Mapping[str, Comparison] = {"s==": eq, "s!=": ne, "s<": lt, "s<=": le, "s>": gt, "s>=": ge}

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?", re.ASCII)
_LIKE_AN_OPERATOR = re.compile(r"[<>=!]|s[<>=!]")


class MalformedRequirement(Exception):
    """A requirement is neither plain text nor an operator with its operands; the text says what is wrong."""


def predicate_of(requirement: str) -> Predicate:
    """Return the test a host's value must pass; MalformedRequirement when there is none to be made of the text."""
    operator, *operands = requirement.split() or [""]
    if operator in NUMERIC:
        return _numeric(NUMERIC[operator], _only(operator, operands))
    if operator in TEXTUAL:
        return _textual(TEXTUAL[operator], _only(operator, operands))
    if operator in _LISTS:
        return _LISTS[operator](operands)
    if _LIKE_AN_OPERATOR.match(operator):
        raise MalformedRequirement("it begins like an operator and is none; operators stand alone, before a blank")
    return lambda value: value == requirement


def predicates_of(extra_specs: Mapping[str, str]) -> tuple[dict[str, Predicate], list[str]]:
    """Return the test that each of these extra specs makes of its value, and what is wrong with the others."""
    predicates, problems = dict[str, Predicate](), list[str]()
    for key, requirement in extra_specs.items():
        try:
            predicates[key] = predicate_of(requirement)
        except MalformedRequirement as error:
            problems.append(f"flavor.extra_specs[{shown(key)}]: {error}")
    return predicates, problems


def _only(operator: str, operands: list[str]) -> str:
    if len(operands) != 1:
        raise MalformedRequirement(f"{operator} needs exactly one operand")
    return operands[0]


def _numeric(compare: Comparison, operand: str) -> Predicate:
    number = _number(operand)
    if number is None:
        raise MalformedRequirement("the operand is not a number")

    def holds(value: str) -> bool:
        have = _number(value)
        return have is not None and compare(have, number)

    return holds


def _textual(compare: Comparison, operand: str) -> Predicate:
    return lambda value: compare(value, operand)


def _within(operands: list[str]) -> Predicate:
    part = _only("<in>", operands)
    return lambda value: part in value


def _all_within(operands: list[str]) -> Predicate:
    if not operands:
        raise MalformedRequirement("<all-in> needs an operand")
    return lambda value: all(part in value for part in operands)


def _any_of(operands: list[str]) -> Predicate:
    choices, separators = operands[::2], operands[1::2]
    if len(choices) != len(separators) + 1 or any(word != "<or>" for word in separators) or "<or>" in choices:
        raise MalformedRequirement("alternatives are written '<or> a <or> b'")
    return lambda value: value in choices


_LISTS: Mapping[str, Callable[[list[str]], Predicate]] = {"<in>": _within, "<all-in>": _all_within, "<or>": _any_of}


def _number(text: str) -> float | None:
    bare = text.strip()  # of more than float itself passes over
    return float(bare) if _NUMBER.fullmatch(bare) else None
