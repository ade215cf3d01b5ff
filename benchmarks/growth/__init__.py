"""How the cost of a request grows: with the hosts, with the batch, with the filters."""
