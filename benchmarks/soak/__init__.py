"""Many requests through one scheduler: nothing that it holds may grow with them."""
