"""How many claims may hold room at the same time, so that failing requests cannot take a fleet's room away."""

import threading
from collections.abc import Callable
from uuid import UUID

from scheduler.claims.journal import Journal
from scheduler.settings import ClaimSettings


class InFlight:
    """The claims that this process began and that may hold room: reserved, being confirmed, or being released.

    ``served`` tells whether a request drives a claim at this moment. Ended claims are noticed when a bound is reached:
    only then the journal is asked.
    """

    def __init__(self, journal: Journal, settings: ClaimSettings, served: Callable[[UUID], bool]) -> None:
        self._journal = journal
        self._settings = settings
        self._served = served
        self._projects: dict[UUID, str] = {}
        self._lock = threading.Lock()

    def admits(self, claim_id: UUID, project_id: str) -> bool:
        """Count one more claim of a project, unless too many hold room already. Raises JournalUnavailable."""
        with self._lock:
            if not self._has_room(project_id):
                self._forget_ended()
            admitted = self._has_room(project_id)
            if admitted:
                self._projects[claim_id] = project_id
        return admitted

    def _has_room(self, project_id: str) -> bool:
        of_project = sum(one == project_id for one in self._projects.values())
        return len(self._projects) < self._settings.max_open and of_project < self._settings.max_open_per_project

    def _forget_ended(self) -> None:
        unfinished = {claim.claim_id for claim in self._journal.unfinished()}
        kept = [one for one in self._projects if one in unfinished or self._served(one)]
        self._projects = {one: self._projects[one] for one in kept}
