"""Statements that are written out once for each kind of database.

SQLAlchemy finds what it wrote out before by looking at the whole statement, and prepares for whatever the answer may
be; together that costs more than a database needs to carry it out. What every request does therefore is done like this.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, CursorResult, Dialect
from sqlalchemy.sql.expression import ClauseElement

Values = Mapping[str, Any]
Passed = Callable[[Values], Any]  # values by name, as the driver takes them


class Statement:
    """A statement, and the columns that it sets to what is passed. Values are passed by name, and never become text."""

    def __init__(self, statement: ClauseElement, columns: Sequence[str] = ()) -> None:
        self._statement = statement
        self._columns = list(columns)
        self._written: dict[str, tuple[str, Passed]] = {}

    def run(self, connection: Connection, *values: Values) -> CursorResult[Any]:
        """Carry it out, once for each of the values."""
        dialect = connection.dialect
        if dialect.name not in self._written:
            self._written[dialect.name] = _written(self._statement.compile(dialect=dialect, column_keys=self._columns))
        text, passed = self._written[dialect.name]
        return connection.exec_driver_sql(text, [passed(one) for one in values])


def _written(compiled: Any) -> tuple[str, Passed]:
    """Return the text for a driver, and what makes of values what belongs to that text."""
    converting = {name: _converting(bound.type, compiled.dialect) for name, bound in compiled.binds.items()}
    if compiled.positional:
        order = [(name, converting[name]) for name in compiled.positiontup]
        return compiled.string, lambda values: tuple([convert(values[name]) for name, convert in order])
    return compiled.string, lambda values: {name: convert(values[name]) for name, convert in converting.items()}


def _converting(kind: Any, dialect: Dialect) -> Callable[[Any], Any]:
    return kind.dialect_impl(dialect).bind_processor(dialect) or _unchanged


def _unchanged(value: Any) -> Any:
    return value
