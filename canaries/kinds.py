"""The faults of the slice, by name; each is played with markers in its answer or its error."""

from collections.abc import Mapping

import requests

from placement_client.testing import faults
from placement_client.testing.faults import Fault, Forward


def _raising(error: type[BaseException], *, after_apply: bool) -> Fault:
    """Return a fault that raises a new error each time: one that is raised again keeps its earlier frames."""

    def fault(request: requests.PreparedRequest, forward: Forward) -> requests.Response:
        return faults.raises(error("of a path"), after_apply=after_apply)(request, forward)

    return fault


KINDS: Mapping[str, Fault | None] = {
    "none": None,
    "not sent": faults.not_sent,
    "reset before apply": faults.reset_before_apply,
    "reset after apply": faults.reset_after_apply,
    "timeout before apply": faults.timeout_before_apply,
    "timeout after apply": faults.timeout_after_apply,
    "500": faults.internal_error,
    "500 after apply": faults.internal_error_after_apply,
    "502 html": faults.bad_gateway,
    "502 html after apply": faults.bad_gateway_after_apply,
    "503": faults.unavailable,
    "504 html after apply": faults.gateway_timeout_after_apply,
    "401": faults.unauthorized,
    "403": faults.forbidden,
    "409 html": faults.conflict_from_proxy,
    "409 capacity": faults.capacity_exceeded,
    "409 units": faults.unit_violated,
    "409 inventory": faults.no_inventory,
    "409 provider": faults.provider_conflict,
    "409 consumer race": faults.consumer_race,
    "409 consumer": faults.consumer_conflict(),
    "400 provider": faults.unknown_provider,
    "400": faults.placement_error(400, "Bad Request", "Invalid query string parameters:"),
    "404": faults.placement_error(404, "Not Found", "No such"),
    "wrong version": faults.wrong_version,
    "no version": faults.no_version,
    "empty body": faults.empty_body,
    "garbage": faults.garbage_body,
    "interrupt": _raising(KeyboardInterrupt, after_apply=False),
    "interrupt after apply": _raising(KeyboardInterrupt, after_apply=True),
    "exit after apply": _raising(SystemExit, after_apply=True),
    "out of memory after apply": _raising(MemoryError, after_apply=True),
}
