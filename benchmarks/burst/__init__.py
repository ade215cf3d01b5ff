"""A burst of requests of one shape, with and without shared answers, on a real Placement."""
