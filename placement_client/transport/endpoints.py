"""Where requests may go: plain https URLs, in the list of the operator when there is one, never to strange addresses.

A catalog is data of another service. Whoever can write it could send tokens anywhere, to the metadata service of a
cloud for instance, so its endpoint is believed only within these rules.
"""

import contextlib
import re
from collections.abc import Iterable
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import Final
from urllib.parse import SplitResult, urlsplit

from msgspec import Struct

from placement_client.errors import InsecureEndpoint

IpAddress = IPv4Address | IPv6Address

# Nothing that a server could read in two ways: no escape, no backslash, no segment that begins with a dot.
PLAIN_PATH: Final = re.compile(r"(/+[A-Za-z0-9_~-][A-Za-z0-9._~-]*)*/*")
PLAIN_HOST: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*|\[[0-9A-Fa-f:.]+\]")
HTTPS_PORT: Final = 443
NAT64: Final = IPv6Network("64:ff9b::/96")


class AllowedEndpoint(Struct, frozen=True):
    """One entry of the list: a host, or every host below a domain when it begins with a dot; a port; a path prefix."""

    host: str
    port: int
    path: str

    @classmethod
    def parse(cls, text: str) -> "AllowedEndpoint":
        """Return the entry that "https://host:port/path" or "https://.domain" describes. Raises InsecureEndpoint."""
        scheme, _, rest = text.partition("://")
        suffix = rest.startswith(".")
        url = f"{scheme}://{rest.removeprefix('.')}"
        check_endpoint(url)
        parts = urlsplit(url)
        return cls(("." if suffix else "") + _host(parts), parts.port or HTTPS_PORT, parts.path.rstrip("/"))

    def covers(self, parts: SplitResult) -> bool:
        """Tell whether a URL is this endpoint or below it; segments of the path are compared whole."""
        host = _host(parts)
        hosts_agree = host.endswith(self.host) if self.host.startswith(".") else host == self.host
        below = parts.path == self.path or parts.path.startswith(f"{self.path}/")
        return hosts_agree and (parts.port or HTTPS_PORT) == self.port and below


class Reach(Struct, frozen=True):
    """What a client may connect to: ``allowed`` URLs, any when empty; ``named`` are hosts the operator wrote."""

    allowed: tuple[AllowedEndpoint, ...] = ()
    named: frozenset[str] = frozenset()

    @classmethod
    def of(cls, allowed: Iterable[str], configured: Iterable[str]) -> "Reach":
        """Return what a list of allowed URLs and the URLs of the configuration open. Raises InsecureEndpoint."""
        entries = tuple(AllowedEndpoint.parse(text) for text in allowed)
        return cls(entries, frozenset({*map(_host_of, configured), *(entry.host for entry in entries)}))

    def check_url(self, url: str) -> None:
        """Raise InsecureEndpoint when there is a list and the URL of a request is not in it."""
        if not self.allowed:
            return
        parts = _plain(url)
        if not any(entry.covers(parts) for entry in self.allowed):
            raise InsecureEndpoint(hint="the endpoint is not in allowed_endpoints")

    def check_address(self, host: str, address: str) -> None:
        """Raise InsecureEndpoint for an address of a host that no Placement and no Keystone has.

        Loopback is for hosts that the operator wrote, and for all when one of those is loopback itself.
        """
        ip = _effective(ip_address(address.partition("%")[0]))
        if ip.is_link_local or ip.is_multicast or ip.is_unspecified:
            raise InsecureEndpoint(hint="the address of the endpoint is link-local, multicast or unspecified")
        if ip.is_loopback and _normal(host) not in self.named and not any(map(_is_loopback, self.named)):
            raise InsecureEndpoint(hint="the endpoint of the catalog is on loopback and not in allowed_endpoints")


def check_endpoint(url: str) -> None:
    """Raise InsecureEndpoint unless the URL is plain https: no credentials, no query, no fragment, a simple path."""
    if not url.lower().startswith("https://"):
        raise InsecureEndpoint(hint="only https is used")
    if "@" in url or "?" in url or "#" in url:
        raise InsecureEndpoint(hint="an endpoint has no credentials, query or fragment")
    # urlsplit drops line ends and tabs, and other libraries need not.
    if not (url.isascii() and url.isprintable() and _is_plain(url)):
        raise InsecureEndpoint(hint="an endpoint is https://host:port/path")


def _is_plain(url: str) -> bool:
    with contextlib.suppress(ValueError):
        parts = urlsplit(url)
        host = parts.netloc.removesuffix(f":{parts.port}") if parts.port else parts.netloc
        return bool(parts.port != 0 and PLAIN_HOST.fullmatch(host) and PLAIN_PATH.fullmatch(parts.path))
    return False


def _plain(url: str) -> SplitResult:
    """Return the parts of a request's URL. Raises InsecureEndpoint when its path could be read in two ways."""
    check_endpoint(url.partition("?")[0])
    return urlsplit(url)


def _host_of(url: str) -> str:
    """Return the host of a URL, or "" where it has none; such a URL is refused when it is used."""
    with contextlib.suppress(ValueError):
        return _host(urlsplit(url))
    return ""


def _host(parts: SplitResult) -> str:
    return _normal(parts.hostname or "")


def _normal(host: str) -> str:
    """Return the one way in which a host is written here."""
    bare = host.strip("[]").lower().rstrip(".")
    literal = _literal(bare)
    return bare if literal is None else str(literal)


def _literal(host: str) -> IpAddress | None:
    with contextlib.suppress(ValueError):
        return ip_address(host)
    return None


def _is_loopback(host: str) -> bool:
    literal = _literal(host)
    return host == "localhost" or (literal is not None and _effective(literal).is_loopback)


def _effective(ip: IpAddress) -> IpAddress:
    """Return the IPv4 address that an IPv6 address stands for, where it does."""
    if isinstance(ip, IPv4Address):
        return ip
    if ip in NAT64:
        return IPv4Address(int(ip) & 0xFFFFFFFF)
    return ip.ipv4_mapped or ip.sixtofour or ip
