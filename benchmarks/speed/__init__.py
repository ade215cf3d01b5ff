"""How fast we are beside Nova; run by ``make bench``, not part of what is installed."""
