"""Everything a handler may make of a record, collected: the sinks that the tests of this directory search."""

import http.client
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from oslo_config import cfg
from oslo_log import log as oslo_log
from oslo_log.formatters import ContextFormatter, FluentFormatter, JSONFormatter

from placement_client.redaction import GUARD


def oslo_conf() -> cfg.ConfigOpts:
    conf = cfg.ConfigOpts()
    oslo_log.register_options(conf)
    conf(args=[], default_config_files=[], default_config_dirs=[], use_env=False)
    return conf


FORMATTERS: dict[str, Callable[[], logging.Formatter]] = {
    "plain": lambda: logging.Formatter(logging.BASIC_FORMAT),
    "context": lambda: ContextFormatter(config=oslo_conf()),
    "json": JSONFormatter,
    "fluent": FluentFormatter,
}


class Sink(logging.Handler):
    """Keeps what one formatter makes of each record, and everything the record itself holds."""

    def __init__(self, formatter: str) -> None:
        super().__init__(0)
        self.formatter = FORMATTERS[formatter]()
        self.lines: list[str] = []
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(str(self.format(record)))
        self.records.append(record)

    @property
    def text(self) -> str:
        return "\n".join([*self.lines, *(repr(vars(record)) for record in self.records)])


@contextmanager
def sink(formatter: str = "plain", level: int = 1) -> Iterator[Sink]:
    """Collect the records of every logger; guards, ours or of other tests, are off before and after."""
    root, handler = logging.getLogger(), Sink(formatter)
    before = root.level
    take_guards_off()
    root.addHandler(handler)
    root.setLevel(level)
    try:
        yield handler
    finally:
        root.removeHandler(handler)
        root.setLevel(before)
        take_guards_off()


def take_guards_off() -> None:
    for name in list(logging.root.manager.loggerDict):
        logging.getLogger(name).removeFilter(GUARD)
    logging.setLogRecordFactory(logging.LogRecord)
    vars(http.client).pop("print", None)
