"""One set of behaviours, proved on the mock and on the real Placement."""
