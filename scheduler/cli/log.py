"""Where the log of the command goes."""

import logging
import sys

from oslo_config import cfg

from scheduler.logs.oslo import setup


def set_up_log(conf: cfg.ConfigOpts) -> None:
    """Log where the configuration says, by default nowhere: what the command prints is for the answer alone.

    Standard output is oslo.log's last resort, and standard error that of Python. Raises InvalidSettings.
    """
    setup(conf)
    root = logging.getLogger()
    for handler in root.handlers[:]:
        if isinstance(handler, logging.StreamHandler) and handler.stream is sys.stdout:
            root.removeHandler(handler)
    root.addHandler(logging.NullHandler())
