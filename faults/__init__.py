"""The proof: what fails, where, how often, and that nothing is left behind. Run with ``python -m faults``."""
