"""Why a request ended as it did, in words for the operator; never for the tenant."""

from scheduler.explain.probes import relaxations
from scheduler.explain.reasons import phrase
from scheduler.explain.render import in_words, one_line

__all__ = ["in_words", "one_line", "phrase", "relaxations"]
