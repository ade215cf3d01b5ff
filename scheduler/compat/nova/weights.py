"""The base class of weighers written for Nova; import this where ``nova.scheduler.weights`` was."""

from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import Any, ClassVar

from msgspec import Struct

from scheduler.compat.nova.host_state import HostState
from scheduler.compat.nova.request_view import RequestSpecView


class WeighedHost(Struct, frozen=True):
    """A host and its weight so far, which is 0 for every weigher: weights are added up elsewhere."""

    obj: HostState
    weight: float = 0.0


class BaseHostWeigher(ABC):
    """What a weigher of Nova derives from; it overrides ``_weigh_object``, or ``weigh_objects`` to see all hosts.

    ``minval`` and ``maxval`` bound the weights and stand for the lowest and highest when they are normalised.
    """

    minval: ClassVar[float | None] = None
    maxval: ClassVar[float | None] = None

    def weight_multiplier(self, host_state: HostState) -> float:
        """Return what the normalised weight of this host is multiplied by."""
        return 1.0

    @abstractmethod
    def _weigh_object(self, obj: HostState, weight_properties: RequestSpecView) -> Any:
        """Return the weight of a host, higher is better."""

    def weigh_objects(self, weighed_obj_list: Iterable[WeighedHost], weight_properties: RequestSpecView) -> list[Any]:
        """Return the weight of each host, within the bounds."""
        return [self._bounded(self._weigh_object(one.obj, weight_properties)) for one in weighed_obj_list]

    def _bounded(self, weight: Any) -> Any:
        raised = weight if self.minval is None else max(weight, self.minval)
        return raised if self.maxval is None else min(raised, self.maxval)
