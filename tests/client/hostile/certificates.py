"""Certificates and TLS contexts that a careful client refuses."""

import datetime as dt
import ssl
import warnings
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

NOW = dt.datetime.now(dt.UTC)
DAY = dt.timedelta(days=1)
LOCALHOST = x509.SubjectAlternativeName([x509.DNSName("localhost")])


def tls_1_1_only(context: ssl.SSLContext) -> ssl.SSLContext:
    """Return the context of a server that has not been changed since 2008."""
    context.set_ciphers("ALL:@SECLEVEL=0")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # which is what the refusal is about
        context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
    return context


def self_signed(directory: Path) -> ssl.SSLContext:
    """Return the context of a server that vouches for itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    return _context(directory, key, _certificate("localhost", key.public_key(), "localhost", key))


def weak_key(directory: Path) -> tuple[ssl.SSLContext, str]:
    """Return the context of a server with an RSA key of 1024 bits, and the file of its own, sound authority."""
    root, key = ec.generate_private_key(ec.SECP256R1()), rsa.generate_private_key(65537, 1024)
    authority = _certificate("root", root.public_key(), "root", root, is_authority=True)
    cafile = directory / "weak-ca.pem"
    cafile.write_bytes(authority.public_bytes(serialization.Encoding.PEM))
    return _context(directory, key, _certificate("localhost", key.public_key(), "root", root)), str(cafile)


def _certificate(subject, public_key, issuer, issuer_key, *, is_authority=False) -> x509.Certificate:
    builder = (
        x509.CertificateBuilder()
        .subject_name(_name(subject))
        .issuer_name(_name(issuer))
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW - DAY)
        .not_valid_after(NOW + DAY)
        .add_extension(LOCALHOST, critical=False)
        .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
    )
    return builder.sign(issuer_key, hashes.SHA256())


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _context(directory: Path, key, certificate: x509.Certificate) -> ssl.SSLContext:
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    pem = directory / "server.pem"
    pem.write_bytes(key.private_bytes(*form) + certificate.public_bytes(serialization.Encoding.PEM))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_ciphers("DEFAULT:@SECLEVEL=0")
    context.load_cert_chain(pem)
    return context
