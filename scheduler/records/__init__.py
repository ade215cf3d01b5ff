"""Where decision records are kept: in memory, or in a directory that only the operator can read."""

from scheduler.records.access import AccessNotRecorded
from scheduler.records.directory import DirectoryRecords
from scheduler.records.memory import MemoryRecords
from scheduler.records.packing import DamagedRecord

__all__ = ["MemoryRecords", "DirectoryRecords", "DamagedRecord", "AccessNotRecorded"]
