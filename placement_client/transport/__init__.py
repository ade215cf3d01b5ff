"""How a request gets to Placement and an answer back; the only user of requests and keystoneauth1."""

from placement_client.transport.http import make_http_session
from placement_client.transport.keystone import Endpoint, KeystoneTransport, check_endpoint, make_transport
from placement_client.transport.protocol import HttpAdapter, Transport

__all__ = [
    "Endpoint",
    "HttpAdapter",
    "KeystoneTransport",
    "Transport",
    "check_endpoint",
    "make_http_session",
    "make_transport",
]
