"""Selection: filters, weighers and order tied together for one instance; pure, all of it."""

from scheduler.selection.filtering import filter_hosts, settle
from scheduler.selection.memory import Filtered, Memory
from scheduler.selection.ordering import order_hosts
from scheduler.selection.placing import placing_of, selection_of, selections_of
from scheduler.selection.planning import Plan, alternates_of, plan_batch
from scheduler.selection.plugins import Plugins, plugins_for
from scheduler.selection.ranking import Ranked, check_request, rank_hosts
from scheduler.selection.weighing import Weights, weigh_hosts

__all__ = [
    "Plugins",
    "plugins_for",
    "Plan",
    "plan_batch",
    "alternates_of",
    "Ranked",
    "rank_hosts",
    "check_request",
    "Memory",
    "settle",
    "Filtered",
    "filter_hosts",
    "Weights",
    "weigh_hosts",
    "order_hosts",
    "placing_of",
    "selection_of",
    "selections_of",
]
