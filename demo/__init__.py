"""A production-shaped fleet, scheduled on a real Placement over TLS; ``make demo``."""
