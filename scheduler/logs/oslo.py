"""oslo.log for our own command line."""

from oslo_config import cfg
from oslo_log import log

from scheduler.errors import InvalidSettings


def setup(conf: cfg.ConfigOpts) -> None:
    """Set up oslo.log for our own command line, from the files that ``conf`` was read from. Raises InvalidSettings.

    oslo.log wants its options registered before the files are read and changes the root logger when that happens. A
    library must not do that to its application, so it happens here, on options of its own.
    """
    own = cfg.ConfigOpts()
    log.register_options(own)
    own(args=[], default_config_files=conf.config_file or [], default_config_dirs=[], use_env=False)
    try:
        log.setup(own, "placement-scheduler", fix_eventlet=False)
        return
    except (cfg.Error, log.LogConfigError, OSError, ValueError) as error:
        problem = type(error).__name__
    raise InvalidSettings(f"[DEFAULT] the options of oslo.log cannot be used ({problem})")
