"""How a request gets to Placement and an answer back; the only user of requests and keystoneauth1."""

from placement_client.transport.endpoints import Reach, check_endpoint
from placement_client.transport.http import make_http_session
from placement_client.transport.keystone import Endpoint, KeystoneTransport, make_transport, urls_of
from placement_client.transport.lookup import Resolver
from placement_client.transport.protocol import HttpAdapter, Transport
from placement_client.transport.tls import ExposedKey

__all__ = [
    "Endpoint",
    "ExposedKey",
    "HttpAdapter",
    "KeystoneTransport",
    "Reach",
    "Resolver",
    "Transport",
    "check_endpoint",
    "make_http_session",
    "make_transport",
    "urls_of",
]
