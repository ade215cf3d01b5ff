"""What is read from files and the command line: ini, hosts files, policy files, keys, arguments."""

import contextlib
import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import msgspec

from fuzz.target import Target
from fuzz.targets.answers import CONSUMER, HOST
from fuzz.wording import QUOTED
from scheduler.cli.exits import ExitStatus
from scheduler.cli.main import main
from scheduler.config import hosts_from, load_config, logging_from, randomness_from, settings_from
from scheduler.errors import InvalidSettings, NotPermitted
from scheduler.hosts import snapshot_of
from scheduler.hosts.file import read_hosts
from scheduler.logs import key_from_file
from scheduler.model import RequestContext
from scheduler.model.admission import ACTIONS, Action, Owner
from scheduler.policy import PolicyFile

# Sections and options by their names, quoted unless they look like names.
NAMED = re.compile(rf"{QUOTED.pattern}|\[[A-Za-z0-9_.:-]{{1,40}}\]|(?<=\] )[A-Za-z0-9_.:-]{{1,40}}(?=:)")
_ID = "[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
# Names and UUIDs of the operator's own files; names are quoted unless they look like names.
WITH_IDS = re.compile(rf"{QUOTED.pattern}|{_ID}|(?:(?<=hosts: )|(?<=, node )|(?<= of ))[\w.:-]{{1,40}}")
WITH_RULES = re.compile(rf"{QUOTED.pattern}|(?:(?<=_file: )|(?<=: ))[A-Za-z0-9_.:-]{{1,40}}(?=:| is )")


def targets(folder: Path) -> Iterator[Target]:
    """Yield the targets of this module; their files go into ``folder``."""
    files = _Files(folder)
    raises = (InvalidSettings,)
    yield Target(name="ini", run=files.ini, raises=raises, seeds=INI, shape="lines", words=INI_WORDS, quoted=NAMED)
    yield Target(
        name="hosts-json", run=files.hosts_json, raises=raises, seeds=HOSTS, words=HOSTS_WORDS, quoted=WITH_IDS
    )
    yield Target(
        name="hosts-yaml",
        run=files.hosts_yaml,
        raises=raises,
        seeds=YAML,
        shape="lines",
        words=YAML_WORDS,
        quoted=WITH_IDS,
    )
    yield Target(name="key-file", run=files.key, raises=raises, seeds=(b"k" * 32, b"k"), shape="words")
    yield Target(
        name="policy",
        run=files.policy,
        raises=raises,
        seeds=POLICIES,
        shape="lines",
        words=POLICY_WORDS,
        quoted=WITH_RULES,
    )
    yield Target(name="arguments", run=files.arguments, raises=(), seeds=ARGUMENTS, shape="lines", words=ARGUMENT_WORDS)


class _Files:
    """Writes an input into a file of its own and lets the program read it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._key = self._file("key", b"")
        self._key.chmod(0o600)

    def ini(self, data: bytes) -> None:
        conf = load_config(str(self._file("scheduler.ini", data)))
        settings_from(conf)
        for read in (hosts_from, randomness_from, logging_from):
            read(conf)

    def hosts_json(self, data: bytes) -> None:
        self._hosts("hosts.json", data)

    def hosts_yaml(self, data: bytes) -> None:
        self._hosts("hosts.yaml", data)

    def _hosts(self, name: str, data: bytes) -> None:
        content = read_hosts(self._file(name, data), uuids_needed=False)
        snapshot = snapshot_of(content.hosts, aggregates=content.aggregates)
        _ = snapshot.columns
        for path in (
            ("cpu_info",),
            ("cpu_info", "arch"),
            ("stats", "a", "b"),
            ("supported_instances",),
            ("hypervisor_version",),
        ):
            snapshot.distinct(path)

    def key(self, data: bytes) -> None:
        self._key.write_bytes(data)
        key_from_file(str(self._key))

    def policy(self, data: bytes) -> None:
        """Read a policy file and ask it about every action."""
        rules = PolicyFile(str(self._file("policy.yaml", data)))
        for action in ACTIONS:
            with contextlib.suppress(NotPermitted):
                rules(
                    RequestContext(project_id="p", user_id="u", roles=("admin",)),
                    cast("Action", action),
                    Owner("p", "u"),
                )

    def arguments(self, data: bytes) -> None:
        """Run the command with these arguments, none of which leads to a file; its exit status is a documented one."""
        text = data.decode("utf-8", "replace").replace("/", "_").replace("\0", "")
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            try:
                status: object = main(text.split("\n"))
            except SystemExit as ended:
                status = ended.code
        if status not in (set(ExitStatus) - {ExitStatus.DEFECT, ExitStatus.INTERRUPTED}):
            raise AssertionError(f"exit status {status}")

    def _file(self, name: str, data: bytes) -> Path:
        path = self._folder / name
        path.write_bytes(data)
        return path


def _json(*documents: object) -> tuple[bytes, ...]:
    return tuple(msgspec.json.encode(document) for document in documents)


_HOST = {
    "name": "cmp-1", "node": "cmp-1.example.org", "provider_uuid": HOST, "enabled": True, "up": True,
    "last_seen_up": 1.7e9, "instances": [CONSUMER], "num_io_ops": 1, "failed_builds": 0, "hypervisor_type": "QEMU",
    "hypervisor_version": 8002000, "host_ip": "192.0.2.1", "cpu_info": {"arch": "x86_64", "topology": {"cores": 4}},
    "aggregates": [HOST], "supported_instances": [["x86_64", "kvm", "hvm"]], "stats": {"a": '{"b": 1}'},
}  # fmt: skip
HOSTS = _json(
    {"hosts": [_HOST, {"name": "cmp-2"}], "aggregates": [{"uuid": HOST, "name": "rack", "metadata": {"a": "b"}}]},
    {"hosts": []},
)
HOSTS_WORDS = tuple(name.encode() for name in (*_HOST, "aggregates", "hosts", "metadata", "uuid"))
YAML = (
    (
        b"hosts:\n  - name: cmp-1\n    node: n\n    last_seen_up: 1790000000.0\n    hypervisor_version: 8002000\n"
        b"    supported_instances: [[x86_64, kvm, hvm]]\n    stats: {a: b}\n    cpu_info:\n      arch: x86_64\n"
        b"  - name: cmp-2\naggregates:\n  - uuid: c4f8f7a2-0000-4000-9000-000000000001\n    name: rack\n"
    ),
)
YAML_WORDS = (
    b"- &a [*a]", b"&a", b"*a", b"<<: *a", b"a: &a [x,x]", b"b: &b [*a,*a]", b"c: [*b,*b,*b]",
    b"!!python/object:os.system", b"!!binary", b"!!timestamp 2001-01-01", b"2001-13-45", b"0o777", b"1:1:1", b"~",
    b"? :", b"%YAML 9.9", b"---", b"...", b"|", b">", b"'", b'"', b"\t", b"{", b"[", b"- - -", b"name: 1",
    b"!!set {a}", b"!!omap", b".inf", b".nan", b"0x_",
)  # fmt: skip
INI = (
    (
        b"[scheduler]\nmax_attempts = 3\nrequest_timeout = 30\n[filter_scheduler]\nenabled_filters = ComputeFilter\n"
        b"host_subset_size = 2\n[claims]\nnode_id = n1\nverify = tight\n[journal]\nconnection = memory://\n[hosts]\n"
        b"source = file\nhosts_file = hosts.json\n[placement]\nauth_type = password\n"
        b"auth_url = https://keystone.example.org\nusername = u\npassword = secret-of-the-file\ncafile = ca.pem\n"
        b"[randomness]\nsource = system\n[DEFAULT]\ndebug = true\n"
    ),
)
INI_WORDS = (
    b"[", b"]", b"[]", b"[x]", b"= 1", b"x = $y", b"x = ${a.b}", b"x = $$", b"$", b" more", b"#", b";", b":", b"=",
    b"nan", b"inf", b"1e999", b"-1", b"true", b"0x1", b"\xff", b"[scheduler", b"max_attempts",
    b"[placement]\ninsecure = true", b"[randomness]\nsource = seeded", b"[DEFAULT]",
    b"[unheard_of_section_of_this_file]", b"unheard_of_option_of_this = 1",
)  # fmt: skip
ARGUMENTS = (
    b"--config-file\nnowhere.ini\nschedule\nrequest.json\n--json",
    b"--config-file\nnowhere.ini\naudit\n--ttl\n1e9\n--heal", b"--config-file\nnowhere.ini\nexplain\nreq-1",
    b"--version", b"--config-file\nnowhere.ini\nrecover\n--deadline\n5",
)  # fmt: skip
ARGUMENT_WORDS = (
    b"--help", b"-h", b"--json", b"--ttl", b"--ttl=nan", b"--deadline=-1", b"--deadline=inf", b"--heal", b"check",
    b"explain", b"--", b"-", b"--config-file", b"--conf", b"", b"%s", b"%(prog)s", b"@x", b"\xff",
)  # fmt: skip
POLICIES = (
    (
        b"schedule:create: project_id:%(project_id)s\nschedule:force_host: role:admin\nexplain:read: rule:operator\n"
        b"operator: role:admin and not role:reader or is_elevated:True\naudit:read: '@'\nrecover:run: '!'\n"
    ),
)
POLICY_WORDS = (
    b"role:", b"rule:", b"rule:x", b"not", b"and", b"or", b"(", b")", b"@", b"!", b"http://x", b"%(x)s",
    b"%(user_id)999999999s", b"user_id:%(user_id)99999999s", b"%(", b"None:x", b"audit:heal: rule:audit:heal",
    b"'x':", b"- a", b"{}", b"schedule:create:", b"is_elevated:", b"user_id:%(user_id)s", b"&a", b"*a", b"<<: *a",
    b"? [a]: b", b"1: 2", b"!!binary x", b"2001-13-45", b"---", b"''", b'"',
)  # fmt: skip
