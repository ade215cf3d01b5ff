"""Statements that are written out once."""

from uuid import UUID

import pytest
from sqlalchemy import insert, select

from scheduler.claims.schema import OWNERS
from scheduler.claims.sql_statements import Statement

COLUMNS = ("owner", "node_id", "lease_until")
HOSTILE = "x'); DROP TABLE owners; -- :name %(name)s %s ?"


def row(number: int, node_id: str) -> dict[str, object]:
    return {"owner": UUID(int=number), "node_id": node_id, "lease_until": None}


def test_it_is_carried_out_for_each_of_the_values_and_none_becomes_text(opened):
    adding = Statement(insert(OWNERS), COLUMNS)
    rows = [row(1, HOSTILE), row(2, "%"), row(3, "?")]
    with opened()._database.engine.begin() as connection:
        assert adding.run(connection, rows[0]).rowcount == 1
        assert adding.run(connection, *rows[1:]).rowcount == 2
        added = OWNERS.c.owner.in_([one["owner"] for one in rows])
        found = connection.execute(select(OWNERS).where(added).order_by(OWNERS.c.owner))
        assert list(map(dict, found.mappings())) == rows


def test_a_value_that_is_missing_is_an_error_and_not_nothing(opened):
    with opened()._database.engine.begin() as connection, pytest.raises(KeyError):
        Statement(insert(OWNERS), COLUMNS).run(connection, {"owner": UUID(int=1), "node_id": "a"})
