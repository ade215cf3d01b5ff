"""What rules cost; run by ``make bench-rules``, not part of what is installed."""
