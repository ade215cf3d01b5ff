"""Servers that do what no Placement and no Keystone does, on real TLS sockets, and what becomes of a call to them."""
