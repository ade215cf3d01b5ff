"""``placement-scheduler schedule``: place one request and claim the room for it."""

import sys
import uuid
from argparse import Namespace
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec

from scheduler.bootstrap import build
from scheduler.cli.exits import ExitStatus
from scheduler.cli.log import set_up_log
from scheduler.cli.operator import operator
from scheduler.cli.output import COLUMNS, print_json, print_table, rows_of
from scheduler.config import load_config
from scheduler.errors import InvalidRequest, NoValidHost
from scheduler.model import Operation, RequestSpec, Selection
from scheduler.model.messages import in_words
from scheduler.model.operation import KINDS
from scheduler.model.request import refuse_doubled_fields

OPERATIONS = tuple(KINDS)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a request file asks for."""

    spec: RequestSpec
    instances: tuple[UUID, ...]


def schedule(asked: Namespace) -> ExitStatus:
    """Place the request of a file and print the selections. Raises SchedulerError."""
    conf = load_config(asked.config_file)
    lenient = conf.filter_scheduler.lenient_extra_specs
    wanted = read_request(_text(asked.request), conf.scheduler.max_instances, lenient=lenient)
    set_up_log(conf)
    spec, operation, request_id = wanted.spec, operation_of(asked), f"req-{uuid.uuid4()}"
    # Whoever may read the configuration may act for every project.
    context = msgspec.structs.replace(operator(conf), is_elevated=True, request_id=request_id)
    with build(conf) as scheduler:
        try:
            found = scheduler.select_destinations(context, spec, wanted.instances, operation=operation)
        except NoValidHost as refusal:
            return _print_refusal(refusal, asked)
    _print(request_id, [first for first, *_ in found], as_json=asked.json)
    return ExitStatus.OK


def operation_of(asked: Namespace) -> Operation:
    """Return the operation that the options name. Raises InvalidRequest for an option that it does not have."""
    kind = KINDS[asked.operation]
    given = {name: getattr(asked, name) for name in ("migration_uuid", "allow_resize_to_same_host")}
    try:
        return msgspec.convert({name: value for name, value in given.items() if value is not None}, type=kind)
    except msgspec.ValidationError as error:
        problem = f"{asked.operation}: {in_words(error, kind, 'options')}"
    raise InvalidRequest(problem)


def read_request(text: bytes, at_most: int, *, lenient: bool = False) -> Wanted:
    """Return the request of a JSON document. Raises InvalidRequest.

    Where it names no instances they are minted, unless it wants more than ``at_most``.
    """
    document = _document(text)
    named = document.pop("instance_uuids", None)
    spec = RequestSpec.from_json(msgspec.json.encode(document), lenient=lenient)
    number = spec.num_instances
    return Wanted(spec, _mint(number, at_most) if named is None else _instances(named, number))


def _document(text: bytes) -> dict[str, Any]:
    try:
        document = msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        document = None
    if not isinstance(document, dict):
        raise InvalidRequest("request: is not a JSON object")
    refuse_doubled_fields(text)
    return document


def _mint(number: int, at_most: int) -> tuple[UUID, ...]:
    if number > at_most:
        raise InvalidRequest(f"num_instances: expected 1 to {at_most} instances, got {number}")
    return tuple(uuid.uuid4() for _ in range(number))


def _instances(named: object, expected: int) -> tuple[UUID, ...]:
    try:
        instances = msgspec.convert(named, tuple[UUID, ...])
    except msgspec.ValidationError:
        instances = ()
    if len(instances) != expected:
        raise InvalidRequest(f"instance_uuids: expected a list of UUIDs, as many as num_instances ({expected})")
    return instances


def _text(path: str) -> bytes:
    """Return the bytes of a file, or of standard input for "-". Raises InvalidRequest."""
    try:
        return sys.stdin.buffer.read() if path == "-" else Path(path).read_bytes()
    except OSError as error:
        problem = f"{path} cannot be read: {error.strerror}"
    raise InvalidRequest(problem)


def _print(request_id: str, selections: list[Selection], *, as_json: bool) -> None:
    if as_json:
        print_json({"request_id": request_id, "selections": selections})
        return
    print_table(COLUMNS, rows_of(selections))
    print(f"Request {request_id}")


def _print_refusal(refusal: NoValidHost, asked: Namespace) -> ExitStatus:
    """Say that nothing fits; the reasons are for those who may read the records."""
    if asked.json:
        print_json({"request_id": refusal.request_id, "error": refusal.code, "message": str(refusal)})
    print(
        f"{refusal}\nRequest {refusal.request_id}\n"
        f"Why: placement-scheduler --config-file {asked.config_file} explain {refusal.request_id}",
        file=sys.stderr,
    )
    return ExitStatus.NO_VALID_HOST
