"""What an operation makes of a request, and which operations there are to be."""

from uuid import UUID

import pytest
from msgspec import structs

from scheduler import Build, Destination, Evacuate, InvalidRequest, LiveMigrate, Migrate, Rebuild, ServerGroup, Unshelve
from scheduler.model.held import Held
from scheduler.model.operation import checked_operation, name_of
from scheduler.moves import Source, SourceHost, request_from
from tests.hosts.fleets import spec, uid

CELL, OTHER = uid("cell"), uid("other")
MOVES = (Migrate(), LiveMigrate(), Evacuate())
STAY = Migrate(allow_resize_to_same_host=True)


def source(*names, cell=None):
    """Return an instance on these hosts, each of one node ("n" and its name)."""
    hosts = tuple(SourceHost(uid(name), name, f"n{name}", cell) for name in names or ("H1",))
    return Source(uid("it"), Held(3, {}), hosts)


@pytest.mark.parametrize("operation", MOVES)
def test_a_move_ignores_every_host_of_the_instance_once_and_those_that_the_request_ignores(operation):
    given = spec(ignore_hosts=("h9", "h1"))
    assert request_from(source("H1", "h2"), operation, given).ignore_hosts == ("h9", "h1", "h2")
    assert request_from(source("H1"), operation, spec()).ignore_hosts == ("H1",)


def test_a_resize_that_may_stay_and_a_rebuild_ignore_nothing_more():
    for operation in (STAY, Rebuild()):
        assert request_from(source(), operation, spec()) == spec()


@pytest.mark.parametrize(
    ("where", "field"),
    [
        ({"force_hosts": ("h0", "h1")}, "force_hosts[1]"),
        ({"requested_destination": Destination(host="h1")}, "requested_destination.host"),
    ],
)
def test_a_move_to_the_host_that_the_instance_is_on_is_refused_unless_it_may_stay(where, field):
    with pytest.raises(InvalidRequest) as caught:
        request_from(source(), LiveMigrate(), spec(**where))
    assert caught.value.problems == (f"{field}: the instance is there",)
    assert request_from(source(), STAY, spec(**where)) == spec(**where)


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (None, Destination(cell=CELL)),
        (Destination(host="h5"), Destination(host="h5", cell=CELL)),
        (Destination(cell=CELL), Destination(cell=CELL)),
        (Destination(allow_cross_cell_move=True), Destination(cell=CELL, allow_cross_cell_move=True)),
        (Destination(cell=OTHER, allow_cross_cell_move=True), Destination(cell=OTHER, allow_cross_cell_move=True)),
        (Destination(host="h5", allow_cross_cell_move=True), Destination(host="h5", allow_cross_cell_move=True)),
    ],
)
def test_a_move_stays_in_the_cell_or_prefers_it_where_no_host_is_named(wanted, expected):
    for operation in (*MOVES, STAY):
        rewritten = request_from(source(cell=CELL), operation, spec(requested_destination=wanted))
        assert rewritten.requested_destination == expected


def test_a_move_to_another_cell_needs_leave_and_an_unknown_cell_restricts_nothing():
    there = spec(requested_destination=Destination(cell=OTHER))
    with pytest.raises(InvalidRequest, match=r"requested_destination.cell: is not the cell"):
        request_from(source(cell=CELL), Evacuate(), there)
    assert request_from(source(cell=None), Evacuate(), there).requested_destination == Destination(cell=OTHER)
    assert request_from(source(cell=None), Evacuate(), spec()).requested_destination is None
    assert request_from(source(cell=CELL), Rebuild(), there) == there


def test_the_instance_is_taken_out_of_the_hosts_of_its_group_once_and_only_if_it_is_a_member():
    group = ServerGroup(policy="soft-affinity", members=(uid("it"), uid("b"), uid("c")), hosts=("H1", "h2", "H1"))
    rewritten = request_from(source(), STAY, spec(instance_group=group))
    assert rewritten.instance_group.hosts == ("h2", "H1")
    strange = structs.replace(group, members=(uid("b"), uid("c")))
    assert request_from(source(), STAY, spec(instance_group=strange)).instance_group.hosts == group.hosts
    elsewhere = structs.replace(group, hosts=("h2",))
    assert request_from(source(), STAY, spec(instance_group=elsewhere)).instance_group.hosts == ("h2",)


def test_a_rebuild_has_met_the_forced_hosts_that_it_is_on_and_no_others():
    for met in ({"force_hosts": ("x", "h1")}, {"force_nodes": ("nH1",)}):
        rewritten = request_from(source(), Rebuild(), spec(**met))
        assert (rewritten.force_hosts, rewritten.force_nodes) == ((), ())
    for missed in ({"force_hosts": ("x",)}, {"force_nodes": ("nh1",)}, {"force_hosts": ("h1",), "force_nodes": ("x",)}):
        assert request_from(source(), Rebuild(), spec(**missed)) == spec(**missed)


ONE, TWO = [uid("it")], [uid("it"), uid("b")]


def test_an_operation_is_checked_and_brought_to_its_types():
    migration = uid("migration")
    assert checked_operation(Migrate(str(migration)), ONE) == Migrate(migration)
    assert checked_operation(Build(), TWO) == Build()
    kinds = (Build(), Unshelve(), Rebuild(), *MOVES)
    assert [name_of(one) for one in kinds] == ["build", "unshelve", "rebuild", "migrate", "live_migrate", "evacuate"]


@pytest.mark.parametrize(
    ("operation", "instances", "problem"),
    [
        (Migrate("nonsense"), ONE, "operation.migration_uuid: must be a UUID"),
        (Migrate(allow_resize_to_same_host="yes"), ONE, "operation.allow_resize_to_same_host: expected a boolean"),
        ("migrate", ONE, "operation: expected one of those of scheduler, got str"),
        (Migrate(object()), ONE, "operation: holds something that is not JSON"),
        (None, ONE, "operation: expected"),
        (Evacuate(ONE[0]), ONE, "operation.migration_uuid: is the instance itself"),
        (Unshelve(), TWO, "instance_uuids: unshelve takes exactly one instance, got 2"),
        (Rebuild(), TWO, "instance_uuids: rebuild takes exactly one instance, got 2"),
    ],
)
def test_what_is_no_operation_of_these_instances_is_refused_by_name(operation, instances: list[UUID], problem):
    with pytest.raises(InvalidRequest) as caught:
        checked_operation(operation, instances)
    assert caught.value.problems[0].startswith(problem)
