"""Operations on an instance that is somewhere already: where that is, and what it means for the request."""

from scheduler.moves.offers import offered, where_it_is
from scheduler.moves.rewriting import request_from
from scheduler.moves.source import Source, SourceHost, find_source

__all__ = [
    "Source",
    "SourceHost",
    "find_source",
    "request_from",
    "offered",
    "where_it_is",
]
