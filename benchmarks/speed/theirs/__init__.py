"""Runs inside Nova's own virtual environment: Nova's scheduler over the fleet, timed."""
