"""Reading the ini file.

An unknown section or option is a problem, because a misspelt option would otherwise be a rule that nobody follows.
"""

import difflib
from collections.abc import Collection, Iterator
from importlib.metadata import distribution

from oslo_config import cfg

import placement_client.config
from scheduler.config.options import SECTIONS, register_opts
from scheduler.config.values import wrong
from scheduler.errors import InvalidSettings
from scheduler.model.messages import named

Written = dict[str, dict[str, list[str]]]


def load_config(path: str) -> cfg.ConfigOpts:
    """Read an ini file into a ``ConfigOpts`` of its own; nothing comes from the environment.

    Raises InvalidSettings naming the file and everything in it that is wrong or unknown.
    """
    conf = cfg.ConfigOpts()
    conf.register_opts(_log_options())
    register_opts(conf)
    problems = _read(conf, path)
    if problems:
        raise InvalidSettings(*(f"{path}: {problem}" for problem in problems))
    return conf


def _read(conf: cfg.ConfigOpts, path: str) -> list[str]:
    """Read a file and return what is wrong; who raises holds none of its text, a traceback may print what it holds."""
    written, problem = _parsed(path)
    problems = [problem] if problem else list(_unknown(conf, written))
    if not problems:
        conf(args=[], default_config_files=[path], default_config_dirs=[], use_env=False)
        problems = list(wrong(conf))
    return problems


def _parsed(path: str) -> tuple[Written, str]:
    """Return what a file says, and in words why it cannot be read."""
    written: Written = {}
    problem = ""
    try:
        cfg.ConfigParser(path, written).parse()
    except OSError as error:
        problem = f"cannot be read: {error.strerror}"
    except cfg.ParseError as error:
        problem = f"line {error.lineno}: {error.msg}"  # never the line itself, it may hold a password
    except UnicodeError:
        problem = "is not UTF-8 text"
    return written, problem


def _log_options() -> list[cfg.Opt]:
    """Return oslo.log's options as it publishes them; its own registering would change the root logger."""
    (published,) = distribution("oslo.log").entry_points.select(group="oslo.config.opts", name="oslo.log")
    return [option for _, options in published.load()() for option in options]


def _unknown(conf: cfg.ConfigOpts, written: Written) -> Iterator[str]:
    """Find sections and options that nothing reads, and options given more than once."""
    pointed_to = written.get("placement", {}).get("auth_section", [])
    for section, options in written.items():
        if section not in conf and section not in ("DEFAULT", *pointed_to):
            yield f"[{named(section)}]: unknown section{_near(section, [*SECTIONS, 'placement', 'DEFAULT'])}"
            continue
        known = _known(conf, section)
        once = {option.name for option in SECTIONS.get(section, ()) if not option.multi}
        for option, values in options.items():
            if _is_unknown(section, option, known):
                yield f"[{named(section)}] {named(option)}: unknown option{_near(option, known)}"
            if len(values) > 1 and option in once:
                yield f"[{section}] {named(option)}: given {len(values)} times"


def _known(conf: cfg.ConfigOpts, section: str) -> Collection[str]:
    """Return the options of a section; those of auth plugins only as far as the sample shows them."""
    if section == "DEFAULT":
        return set(conf) - {*SECTIONS, "placement"}
    if section != "placement":
        return list(conf[section]) if section in SECTIONS else []
    published = [option for _, options in placement_client.config.list_opts() for option in options]
    former = {old.name for option in published for old in option.deprecated_opts if old.name}
    return {*conf[section], *(option.dest for option in published), *former}


def _is_unknown(section: str, option: str, known: Collection[str]) -> bool:
    if not known or option in known:
        return False
    # An auth plugin may have options of its own; but a cafile that is misspelt would leave any authority trusted.
    return section != "placement" or bool(difflib.get_close_matches(option, known, n=1, cutoff=0.86))


def _near(name: str, known: Collection[str]) -> str:
    close = difflib.get_close_matches(name, known, n=1)
    return f", did you mean {close[0]}?" if close else ""
