"""A strict client of OpenStack Placement: typed, https only, one deadline, errors that say what is known."""
