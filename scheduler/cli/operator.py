"""Who types the command: the user of the operating system, and what the policy lets this user do."""

import grp
import os
import pwd

from oslo_config import cfg

from scheduler.bootstrap import authorizer_of
from scheduler.config import policy_from
from scheduler.errors import NotPermitted
from scheduler.model import RequestContext
from scheduler.model.admission import NOBODY, Action, Owner

NO_PROJECT = "command-line"


def operator(conf: cfg.ConfigOpts) -> RequestContext:
    """Return the context of whoever runs this process; what the environment says of a user does not count.

    Without a policy file it is elevated: whoever may read the configuration holds the credentials in it.
    """
    return RequestContext(
        project_id=NO_PROJECT,
        user_id=_login(),
        roles=_groups(),
        is_elevated=policy_from(conf).policy_file is None,
    )


def require(conf: cfg.ConfigOpts, action: Action, target: Owner = NOBODY) -> None:
    """Raise NotPermitted, with the user's own name and the rule to add, unless the user may do this."""
    context = operator(conf)
    try:
        authorizer_of(conf)(context, action, target)
    except NotPermitted:
        problem = (
            f'{action}: {context.user_id} may not do this; a rule "{action}" for this user or one of the groups '
            f"{', '.join(context.roles)} is to be added to the file of [policy] policy_file"
        )
    else:
        return
    raise NotPermitted(problem)


def _login() -> str:
    number = os.geteuid()
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return str(number)


def _groups() -> tuple[str, ...]:
    return tuple(_group(number) for number in sorted({os.getegid(), *os.getgroups()}))


def _group(number: int) -> str:
    try:
        return grp.getgrgid(number).gr_name
    except KeyError:
        return str(number)
