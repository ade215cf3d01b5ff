"""Answers lines of JSON on standard input; run as ``python -m parity.theirs`` with an interpreter that has nova.

A line is ``{"cases": [...]}``, answered by ``{"answers": [...]}``, one answer a case; or ``{"names": true}``, answered
by what Nova calls its rules.
"""

import json
import logging
import sys
import warnings
from typing import Any

warnings.simplefilter("ignore")
logging.disable(logging.CRITICAL)

import nova.conf  # noqa: E402 - what Nova imports warns about itself
from nova import objects  # noqa: E402
from oslo_utils import timeutils  # noqa: E402

nova.conf.CONF([], project="nova", default_config_files=[])
objects.register_all()

from parity.theirs import decisions, questions, rules  # noqa: E402 - they need Nova's objects registered
from parity.theirs.names import names  # noqa: E402
from parity.theirs.options import Options, overridden  # noqa: E402
from parity.theirs.states import NOW  # noqa: E402

KINDS = {
    "filter": rules.filtered,
    "weigher": rules.weighed,
    "prefilter": questions.narrowed,
    "query": questions.built,
    "decision": decisions.decided,
}


def answer_of(case: dict[str, Any]) -> dict[str, Any]:
    """Return what Nova says of a case; the name of the exception when it raises."""
    options: Options = case.get("options", {})
    try:
        with overridden(options):
            return KINDS[case["kind"]](case)
    except Exception as error:  # noqa: BLE001 - whatever it is, it is the answer
        return {"raised": type(error).__name__}


def main() -> None:
    """Answer until standard input ends."""
    timeutils.set_time_override(NOW.replace(tzinfo=None))
    print("ready", flush=True)
    for line in sys.stdin:
        asked = json.loads(line)
        answer = {"names": names()} if "names" in asked else {"answers": [answer_of(case) for case in asked["cases"]]}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
