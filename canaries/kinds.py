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
    **faults.ON_THE_WAY,
    "400": faults.placement_error(400, "Bad Request", "Invalid query string parameters:"),
    "404": faults.placement_error(404, "Not Found", "No such"),
    "interrupt": _raising(KeyboardInterrupt, after_apply=False),
    "interrupt after apply": _raising(KeyboardInterrupt, after_apply=True),
    "exit after apply": _raising(SystemExit, after_apply=True),
    "out of memory after apply": _raising(MemoryError, after_apply=True),
}
