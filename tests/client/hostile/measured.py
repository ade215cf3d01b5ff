"""Prints by how many bytes the memory of this process grew at most during each of many calls; run as a program.

Arguments: "ours" or "requests"; the file of the authority; the URL of a server that answers well, to warm up with; the
URLs to measure. Growth counts from the end of the warm-up, so what one call leaves behind counts for the next. The
peak is that of the kernel, reset before each call, so that memory of extension modules counts too.
"""

import re
import sys
from pathlib import Path

import requests

from placement_client.settings import PlacementSettings, RetrySettings
from tests.client.hostile.calls import CONSUMER, client_of

SECONDS = 5.0


def ours(url: str, cafile: str) -> None:
    """Read allocations with the settings of production, but for one attempt only."""
    settings = PlacementSettings(cafile=cafile, retry=RetrySettings(attempts=1))
    client_of(url, settings, SECONDS).get_allocations(CONSUMER)


def plain(url: str, cafile: str) -> None:
    """Do the same with a requests session as it comes."""
    requests.get(url, verify=cafile, timeout=SECONDS)


def memory(field: str) -> int:
    """Return a figure of /proc/self/status in bytes."""
    return int(re.search(rf"^{field}:\s+(\d+) kB", Path("/proc/self/status").read_text(), re.MULTILINE)[1]) * 1024


def main(who: str, cafile: str, good: str, *urls: str) -> None:
    """Warm up, then measure; a line a URL: the growth, and the error in which the call ended."""
    call = {"ours": ours, "requests": plain}[who]
    call(good, cafile)
    before = memory("VmRSS")
    for url in urls:
        Path("/proc/self/clear_refs").write_text("5")  # resets the peak
        kind = "None"
        try:
            call(url, cafile)
        except Exception as error:  # noqa: BLE001 - whatever it ends in; its name is printed
            kind = type(error).__name__
        print(memory("VmHWM") - before, kind)


if __name__ == "__main__":
    main(*sys.argv[1:])
