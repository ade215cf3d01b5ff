"""What is installed is what was locked, what is shipped is what is here, and what is known to be broken is told."""

import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from base64 import urlsafe_b64encode
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.metadata import distribution, requires
from pathlib import Path
from threading import Thread

import pytest
from packaging.markers import Marker
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.architecture.source import ROOT, sources

SHIPPED = ("scheduler", "placement_client")
MAKEFILE = (ROOT / "Makefile").read_text(encoding="ascii")
QUIET = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}  # make runs the tests


def _entries(name: str) -> dict[str, str]:
    """Return what a lock says of each package for this Python: the version and the hashes, as text."""
    text = (ROOT / name).read_text(encoding="ascii")
    found = re.finditer(r"^([a-z0-9.-]+)==((?:.*\\\n)*.*)", text, re.M)
    return {match[1]: match[2] for match in found if _is_for_here(match[2])}


def _is_for_here(entry: str) -> bool:
    condition = re.match(r"\S+ ; (.+) \\\n", entry)
    return condition is None or Marker(condition[1]).evaluate()


def _make(directory: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run make there with the environment that runs this test, which counts as up to date."""
    command = ["make", f"VENV={sys.prefix}", "-o", f"{sys.prefix}/installed.stamp", *words]
    return subprocess.run(command, cwd=directory, env=QUIET, capture_output=True, text=True, check=False)


class TestTheLock:
    """requirements.lock is what `make` installs, runtime.lock what is needed in production."""

    @pytest.mark.parametrize("name", ["requirements.lock", "runtime.lock"])
    def test_every_package_has_one_version_and_hashes(self, name):
        bad = [key for key, entry in _entries(name).items() if not re.match(r"\S+[^\n]* \\\n    --hash=sha256:", entry)]
        assert len(_entries(name)) > 30
        assert bad == []

    @pytest.mark.parametrize("name", ["requirements.lock", "runtime.lock"])
    def test_nothing_says_where_to_install_from(self, name):
        """That is the business of whoever installs; the hashes make every source the same."""
        lines = (ROOT / name).read_text(encoding="ascii").splitlines()
        assert [line for line in lines if "://" in line or re.match(r"-|\s*--(?!hash=sha256:)", line)] == []

    def test_everything_that_is_needed_is_locked_and_installed_as_locked(self):
        needed = _needed("placement-scheduler", frozenset({"dev"}))
        locked = {name: entry.split()[0] for name, entry in _entries("requirements.lock").items()}
        assert len(needed) > 90
        assert {name: distribution(name).version for name in needed} == {name: locked.get(name) for name in needed}

    def test_production_gets_the_same_files_and_none_that_only_tests_need(self):
        everything, production = _entries("requirements.lock"), _entries("runtime.lock")
        assert [name for name, entry in production.items() if _hashes(entry) != _hashes(everything[name])] == []
        assert _needed("placement-scheduler", frozenset({"cli", "postgresql"})) <= set(production)
        assert {"pytest", "hypothesis", "openstack-placement", "requests-mock"} & set(production) == set()


def _hashes(entry: str) -> set[str]:
    return set(re.findall(r"sha256:[0-9a-f]{64}", entry))


def _needed(name: str, extras: frozenset[str], seen: set[tuple[str, str]] | None = None) -> set[str]:
    """Return every installed package that this one needs here, by its canonical name."""
    seen = set() if seen is None else seen
    for line in requires(name) or ():
        wanted = Requirement(line)
        for extra in extras | {""}:
            key = (line, extra)
            if key not in seen and (wanted.marker is None or wanted.marker.evaluate({"extra": extra})):
                seen.add(key)
                _needed(wanted.name, frozenset(wanted.extras), seen)
    return {canonicalize_name(Requirement(line).name) for line, _ in seen} - {"placement-scheduler"}


class TestInstallation:
    """The flags of the Makefile, tried on a package of one file."""

    def test_both_steps_install_nothing_but_what_is_locked(self):
        rule = MAKEFILE.partition("\n$(STAMP):")[2]
        assert "install --quiet $(LOCKED) --requirement $(LOCK)\n" in rule
        assert "--no-deps --no-build-isolation --editable .\n" in rule
        assert rule.count("pip install") == 2

    def test_a_file_with_the_locked_hash_is_installed(self, tmp_path):
        assert _installed(tmp_path, digest=sha256(_wheel(tmp_path).read_bytes()).hexdigest()).returncode == 0

    def test_a_file_with_another_hash_is_refused(self, tmp_path):
        _wheel(tmp_path)
        done = _installed(tmp_path, digest="0" * 64)
        assert done.returncode != 0
        assert "DO NOT MATCH THE HASHES" in done.stderr

    def test_a_source_archive_is_refused_before_it_can_run_anything(self, tmp_path):
        assert _installed(tmp_path, _source_archive(tmp_path)).returncode != 0
        assert not (tmp_path / "ran").exists()

    def test_without_the_flag_a_source_archive_runs_its_code(self, tmp_path):
        """The control: its hash is right, and that does not help."""
        _installed(tmp_path, _source_archive(tmp_path), without="--only-binary :all:")
        assert (tmp_path / "ran").exists()


def _source_archive(directory: Path) -> str:
    """Write a package that tells when it is asked to build itself, and return its hash."""
    tree = directory / "source" / "leaf-1.0"
    tree.mkdir(parents=True)
    (tree / "backend.py").write_text(f"open({str(directory / 'ran')!r}, 'w').close()\n")
    (tree / "pyproject.toml").write_text(
        '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]'
    )
    archive = shutil.make_archive(str(directory / "leaf-1.0"), "gztar", tree.parent, tree.name)
    return sha256(Path(archive).read_bytes()).hexdigest()


def _wheel(directory: Path) -> Path:
    file = directory / "leaf-1.0-py3-none-any.whl"
    members = {
        "leaf.py": "",
        "leaf-1.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: leaf\nVersion: 1.0\n",
        "leaf-1.0.dist-info/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(f"{name},sha256={_digest(text)},{len(text)}\n" for name, text in members.items())
    with zipfile.ZipFile(file, "w") as archive:
        for name, text in (members | {"leaf-1.0.dist-info/RECORD": record}).items():
            archive.writestr(name, text)
    return file


def _digest(text: str) -> str:
    return urlsafe_b64encode(sha256(text.encode()).digest()).rstrip(b"=").decode()


def _installed(directory: Path, digest: str, without: str = "nothing") -> subprocess.CompletedProcess[str]:
    flags = re.search(r"^LOCKED := (.*)$", MAKEFILE, re.M)[1].replace(without, "").split()
    (directory / "leaf.lock").write_text(f"leaf==1.0 --hash=sha256:{digest}\n")
    places = ["--isolated", "--no-index", "--find-links", directory, "--target", directory / "out"]
    command = [sys.executable, "-m", "pip", "install", *flags, *places, "--requirement", directory / "leaf.lock"]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def clones(tmp_path_factory) -> tuple[Path, Path]:
    """Two clones of one commit that differ in all that must not matter."""
    first, second = tmp_path_factory.mktemp("one") / "clone", tmp_path_factory.mktemp("another") / "place"
    _commit(first)
    subprocess.run(["git", "clone", "--quiet", first, second], check=True, umask=0o077)
    for file in second.rglob("*.py"):
        os.utime(file, (1_000_000_000, 1_000_000_000))
    (second / "scheduler" / "left_over.py").write_text("not committed\n")
    return first, second


@pytest.fixture(scope="module")
def wheels(clones) -> list[Path]:
    for clone in clones:
        done = _make(clone, "wheel")
        assert done.returncode == 0, done.stderr
    return [next((clone / "dist").glob("*.whl")) for clone in clones]


class TestTheWheel:
    """`make wheel` in both clones."""

    def test_two_builds_are_bit_for_bit_the_same(self, wheels):
        assert wheels[0].read_bytes() == wheels[1].read_bytes()

    def test_without_the_time_of_the_commit_they_differ(self, clones, wheels, tmp_path):
        """The control: a plain build of the same tree writes down when each file was written."""
        tree = clones[0] / "build" / "wheel"
        now = _built(tree, tmp_path / "now")
        for file in tree.rglob("*.py"):
            os.utime(file, (1_000_000_000, 1_000_000_000))
        assert _built(tree, tmp_path / "long-ago") != now

    def test_the_wheel_holds_every_package_whole_and_nothing_else(self, clones, wheels):
        held = {name for name in zipfile.ZipFile(wheels[1]).namelist() if ".dist-info/" not in name}
        committed = subprocess.run(
            ["git", "ls-files", *SHIPPED], cwd=clones[0], capture_output=True, text=True, check=True
        )
        assert held == set(committed.stdout.split())

    def test_the_wheel_says_its_licence_and_its_entry_points(self, wheels):
        names = [name.partition(".dist-info/")[2] for name in zipfile.ZipFile(wheels[0]).namelist()]
        assert {"METADATA", "RECORD", "entry_points.txt", "licenses/LICENSE"} <= set(names)


def _commit(clone: Path) -> None:
    for package in SHIPPED:
        shutil.copytree(ROOT / package, clone / package, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("Makefile", "pyproject.toml", "README.md", "LICENSE"):
        shutil.copy2(ROOT / name, clone)
    who = ["-c", "user.name=nobody", "-c", "user.email=nobody@example.org", "-c", "commit.gpgsign=false"]
    for words in (["init", "--quiet"], ["add", "--all"], [*who, "commit", "--quiet", "--message=one"]):
        subprocess.run(["git", *words], cwd=clone, check=True)


def _built(tree: Path, out: Path) -> bytes:
    shutil.rmtree(tree / "build")  # what the build before left there
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", out]
    plain = {name: value for name, value in os.environ.items() if name != "SOURCE_DATE_EPOCH"}
    subprocess.run(command, cwd=tree, env=plain, capture_output=True, check=True)
    return next(out.glob("*.whl")).read_bytes()


class TestTheAudit:
    """`make security`, with a source of known holes on loopback."""

    @pytest.fixture
    def lock(self, tmp_path) -> Path:
        file = tmp_path / "small.lock"
        file.write_text(f"leaf==1.0 --hash=sha256:{'0' * 64}\n")
        return file

    def test_a_known_hole_fails(self, lock):
        with _holes_in("urllib3", "leaf") as source:
            done = _make(ROOT, "security", f"LOCK={lock}", f"AUDIT_SOURCE={source}")
        assert done.returncode != 0
        assert "HOLE-leaf" in done.stdout
        assert "SKIPPED" not in done.stderr

    def test_no_known_hole_passes(self, lock):
        with _holes_in("urllib3") as source:
            done = _make(ROOT, "security", f"LOCK={lock}", f"AUDIT_SOURCE={source}")
        assert done.returncode == 0
        assert "No known vulnerabilities found" in done.stderr
        assert "SKIPPED" not in done.stderr

    def test_a_source_that_is_silent_is_a_loud_skip(self, lock):
        """One that has no answer to any question would make every lock look clean."""
        with _holes_in() as source:
            _assert_skipped(_make(ROOT, "security", f"LOCK={lock}", f"AUDIT_SOURCE={source}"))

    def test_a_source_that_is_away_is_a_loud_skip(self, lock):
        with _holes_in("urllib3", "leaf") as source:
            pass
        _assert_skipped(_make(ROOT, "security", f"LOCK={lock}", f"AUDIT_SOURCE={source}"))


def _assert_skipped(done: subprocess.CompletedProcess[str]) -> None:
    assert done.returncode == 0
    assert "NOTHING WAS AUDITED" in done.stderr


class _Source:
    """A server that speaks as osv.dev does, and knows of one hole in each package that it was given."""

    def __init__(self, packages: tuple[str, ...]) -> None:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(packages))
        self._thread = Thread(target=self._server.serve_forever, daemon=True)

    def __enter__(self) -> str:
        self._thread.start()
        return f"--vulnerability-service osv --osv-url http://127.0.0.1:{self._server.server_port}/v1/query"

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def _holes_in(*packages: str) -> _Source:
    return _Source(packages)


def _handler(packages: tuple[str, ...]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            name = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["package"]["name"]
            hole = {"id": f"HOLE-{name}", "affected": [{"package": {"name": name, "ecosystem": "PyPI"}}]}
            body = json.dumps({"vulns": [hole]} if name in packages else {}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    return Handler


class TestTheLinter:
    """bandit gates in `make lint`; what it may overlook is written where it is."""

    def test_it_is_part_of_the_gate(self):
        assert re.search(r"^lint:(.*\n)+?.*bandit .*--configfile pyproject.toml .*scheduler$", MAKEFILE, re.M)

    def test_each_line_it_overlooks_names_the_finding_and_the_reason(self):
        marked = [line for source in sources(*SHIPPED) for line in source.lines if "# nosec" in line]
        assert [line for line in marked if not re.search(r"# nosec B\d{3}  # \w+", line)] == []

    def test_it_finds_a_planted_mistake_under_our_configuration(self, tmp_path):
        (tmp_path / "planted.py").write_text("import pickle\n\npickle.loads(b'')\n")
        command = [sys.executable, "-m", "bandit", "--quiet", "--configfile", ROOT / "pyproject.toml", "--recursive"]
        done = subprocess.run([*command, tmp_path], capture_output=True, text=True, check=False)
        assert done.returncode == 1
        assert "B301" in done.stdout
