"""Classes and values of Nova, here."""
