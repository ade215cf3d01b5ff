"""The real Keystone under gunicorn in child processes, over TLS on loopback, and a Placement that trusts its tokens.

    with KeystoneServer() as keystone, PlacementServer(keystone=keystone) as placement:
        scheduler = keystone.add_user("scheduler", "service")
        print(keystone.password_section(scheduler))

SQLite, fernet tokens, passwords that are hashed fast: for tests only. Needs ``pip install
placement-scheduler[embedded]``.
"""

import contextlib
import grp
import os
import pwd
import secrets
import ssl
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import requests
from keystoneauth1.identity import v3
from keystoneauth1.session import Session

from placement_client.testing.ini import ini_text
from placement_client.testing.tls_server import TlsServer, write_private

DOMAIN = "default"
PROJECT = "service"
REGION = "RegionOne"
CERTIFICATE_MAPPING = "oauth2_mapping"

_MANAGE = "from keystone.cmd.manage import main; main()"
_NAME_OF_CERTIFICATE = {"type": "SSL_CLIENT_SUBJECT_DN_CN"}
_NO_CACHE = "-1"
_YES = "true"
_FEWEST = "4"  # rounds: a password lives for one run, and every login costs them

Wsgi = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


@dataclass(frozen=True, slots=True)
class User:
    """A user of Keystone and the project in which it has its roles."""

    id: str
    name: str
    password: str
    project_id: str
    project: str


@dataclass(frozen=True, slots=True)
class ApplicationCredential:
    """What logs a user in without the password."""

    id: str
    secret: str


class KeystoneServer(TlsServer):
    """A real Keystone of its own with the roles of its bootstrap: admin, manager, member, reader, service.

    ``options`` are Keystone's own, by section.
    """

    name = "Keystone"
    packages = ("keystone", "keystonemiddleware", "gunicorn", "trustme")
    application = "placement_client.testing.keystone:make_application()"
    probed = "/v3"

    def __init__(self, options: Mapping[str, Mapping[str, str]] | None = None) -> None:
        super().__init__(client_certificates=ssl.CERT_OPTIONAL)
        self._options = options or {}
        self._admin_password = secrets.token_hex(16)

    @property
    def auth_url(self) -> str:
        """Return the URL of the identity API."""
        return f"{self.url}/v3"

    def call(self, method: str, path: str, body: object = None, **headers: str) -> Any:
        """Ask the identity API for something as its administrator; return the JSON of the answer."""
        with self._session(self._admin()) as admin:
            answer = admin.request(self.auth_url + path, method, json=body, headers=headers, authenticated=True)
        return answer.json() if answer.content else None

    def add_service(self, kind: str, url: str) -> None:
        """Enter a service into the catalog, unless one of its kind is there."""
        if self.call("GET", f"/services?type={kind}")["services"]:
            return
        service = self.call("POST", "/services", {"service": {"type": kind, "name": kind}})["service"]
        for interface in ("internal", "public"):
            endpoint = {"service_id": service["id"], "interface": interface, "url": url, "region_id": REGION}
            self.call("POST", "/endpoints", {"endpoint": endpoint})

    def add_user(self, name: str, *roles: str, project: str = PROJECT) -> User:
        """Make a user with these roles in a project, which is made when there is none of that name."""
        project_id = self._project(project)
        password = secrets.token_hex(16)
        user = {"name": name, "password": password, "domain_id": DOMAIN, "default_project_id": project_id}
        user_id = self.call("POST", "/users", {"user": user})["user"]["id"]
        for role in roles:
            role_id = self.call("GET", f"/roles?name={role}")["roles"][0]["id"]
            self.call("PUT", f"/projects/{project_id}/users/{user_id}/roles/{role_id}")
        return User(user_id, name, password, project_id, project)

    def enable(self, user: User, enabled: bool = True) -> None:
        """Let a user log in, or not; when not, its tokens end too."""
        self.call("PATCH", f"/users/{user.id}", {"user": {"enabled": enabled}})

    def token_of(self, user: User) -> str:
        """Return a new token of a user."""
        with self._session(self._password(user)) as session:
            return str(session.get_token())

    def token_with(self, credential: ApplicationCredential) -> str:
        """Return a new token of an application credential."""
        login = v3.ApplicationCredential(
            self.auth_url,
            application_credential_id=credential.id,
            application_credential_secret=credential.secret,
        )
        with self._session(login) as session:
            return str(session.get_token())

    def revoke(self, token: str) -> None:
        """End a token."""
        self.call("DELETE", "/auth/tokens", **{"X-Subject-Token": token})

    def add_application_credential(self, user: User, name: str, expires_at: str | None = None) -> ApplicationCredential:
        """Make an application credential of a user, for all its roles; ``expires_at`` is in ISO 8601, UTC."""
        wanted = {"name": name, "secret": secrets.token_hex(16)}
        body = {"application_credential": wanted | ({"expires_at": expires_at} if expires_at else {})}
        with self._session(self._password(user)) as login:
            answer = login.post(f"{self.auth_url}/users/{user.id}/application_credentials", json=body)
        return ApplicationCredential(answer.json()["application_credential"]["id"], wanted["secret"])

    def delete_application_credential(self, user: User, credential: ApplicationCredential) -> None:
        """Delete an application credential; its tokens end too."""
        with self._session(self._password(user)) as login:
            login.delete(f"{self.auth_url}/users/{user.id}/application_credentials/{credential.id}")

    def accept_certificates(self) -> None:
        """Let a user log in with a client certificate whose common name is the user's name."""
        rules = [{"local": [{"user": {"name": "{0}", "domain": {"id": DOMAIN}}}], "remote": [_NAME_OF_CERTIFICATE]}]
        self.call("PUT", f"/OS-FEDERATION/mappings/{CERTIFICATE_MAPPING}", {"mapping": {"rules": rules}})

    def password_section(self, user: User) -> str:
        """Return the ``[placement]`` section of a scheduler that logs in with a password."""
        return self._section(_password_options(user, self.auth_url))

    def application_credential_section(self, credential: ApplicationCredential) -> str:
        """Return the ``[placement]`` section of a scheduler that logs in with an application credential."""
        return self._section(
            {
                "auth_type": "v3applicationcredential",
                "auth_url": self.auth_url,
                "application_credential_id": credential.id,
                "application_credential_secret": credential.secret,
            }
        )

    def certificate_section(self, user: User) -> str:
        """Return the ``[placement]`` section of a scheduler that logs in with a client certificate, issued here."""
        return self._section(
            {
                "auth_type": "v3oauth2mtlsclientcredential",
                "auth_url": self.auth_url,
                "oauth2_endpoint": f"{self.auth_url}/OS-OAUTH2/token",
                "oauth2_client_id": user.id,
                "certfile": str(self.issue_certificate(user.name)),
            }
        )

    def middleware_options(self) -> dict[str, str]:
        """Return the ``[keystone_authtoken]`` section of a service, which asks anew about every token it is shown."""
        user = self.add_user(f"middleware-{secrets.token_hex(4)}", "service")
        return {
            **_password_options(user, self.auth_url),
            "www_authenticate_uri": self.auth_url,
            "cafile": str(self.cafile),
            "token_cache_time": _NO_CACHE,
            "service_token_roles_required": _YES,
        }

    def _section(self, options: Mapping[str, str]) -> str:
        return ini_text({"placement": {"cafile": str(self.cafile), "region_name": REGION, **options}})

    @contextlib.contextmanager
    def _session(self, auth: v3.Auth) -> Iterator[Session]:
        with requests.Session() as http:
            http.trust_env = False
            yield Session(auth=auth, session=http, verify=str(self.cafile))

    def _project(self, name: str) -> str:
        found = self.call("GET", f"/projects?name={name}")["projects"]
        if not found:
            found = [self.call("POST", "/projects", {"project": {"name": name, "domain_id": DOMAIN}})["project"]]
        return str(found[0]["id"])

    def _admin(self) -> v3.Password:
        return self._password(User("", "admin", self._admin_password, "", "admin"))

    def _password(self, user: User) -> v3.Password:
        return v3.Password(
            self.auth_url,
            username=user.name,
            password=user.password,
            user_domain_id=DOMAIN,
            project_name=user.project,
            project_domain_id=DOMAIN,
        )

    def _prepare(self) -> None:
        """Write keystone.conf, make the database and the keys, and bootstrap an administrator."""
        (self.directory / "keys").mkdir(mode=0o700)
        keys = {"key_repository": str(self.directory / "keys")}
        sections = {
            "database": {"connection": f"sqlite:///{self.directory / 'keystone.sqlite'}"},
            "fernet_tokens": keys,
            "fernet_receipts": keys,
            "identity": {"password_hash_rounds": _FEWEST},
            "oauth2": {"oauth2_authn_methods": "tls_client_auth", "oauth2_cert_dn_mapping_id": CERTIFICATE_MAPPING},
        }
        write_private(self.directory / "keystone.conf", ini_text(sections, self._options))
        self._manage("db_sync")
        user, group = pwd.getpwuid(os.getuid()).pw_name, grp.getgrgid(os.getgid()).gr_name
        self._manage("fernet_setup", "--keystone-user", user, "--keystone-group", group)
        urls = {"public-url": self.auth_url, "internal-url": self.auth_url}
        wanted = {"password": self._admin_password, "region-id": REGION, **urls}
        self._manage("bootstrap", *(part for name, value in wanted.items() for part in (f"--bootstrap-{name}", value)))

    def _manage(self, command: str, *arguments: str) -> None:
        conf = ("--config-file", str(self.directory / "keystone.conf"))
        problem = f"keystone-manage {command} failed"
        self._run(sys.executable, "-c", _MANAGE, *conf, command, *arguments, problem=problem)

    def _environment(self) -> Mapping[str, str]:
        return {"OS_KEYSTONE_CONFIG_FILES": str(self.directory / "keystone.conf")}


def make_application() -> Wsgi:
    """Return Keystone's application as a web server with mutual TLS runs it: with the client certificate beside."""
    del sys.argv[1:]  # gunicorn's arguments, which Keystone would read as its own
    from keystone.wsgi.api import application  # noqa: PLC0415  (reads keystone.conf at once; only the server may)

    def with_certificate(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        shown = environ["gunicorn.socket"].getpeercert(binary_form=True)
        if shown:
            environ["SSL_CLIENT_CERT"] = ssl.DER_cert_to_PEM_cert(shown)
        answer: Iterable[bytes] = application(environ, start_response)
        return answer

    return with_certificate


def _password_options(user: User, auth_url: str) -> dict[str, str]:
    return {
        "auth_type": "password",
        "auth_url": auth_url,
        "username": user.name,
        "password": user.password,
        "user_domain_id": DOMAIN,
        "project_name": user.project,
        "project_domain_id": DOMAIN,
    }
