"""The steps of a decision one by one; run by ``make bench-micro``."""
