"""Weighers: which of the hosts that may take an instance should."""

from scheduler.weighers.columns import ColumnWeigher
from scheduler.weighers.demands import check_wishes
from scheduler.weighers.multipliers import multipliers
from scheduler.weighers.protocol import Weighed, Weigher
from scheduler.weighers.registry import load_weighers

__all__ = ["Weigher", "Weighed", "ColumnWeigher", "load_weighers", "check_wishes", "multipliers"]
