"""The paths of an operator: journals that fail, recovery, audit, configuration and hosts files that are wrong."""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from uuid import uuid4

from sqlalchemy import event
from sqlalchemy.exc import OperationalError

from canaries.hostile import talk
from canaries.kinds import KINDS
from canaries.paths import Step
from canaries.stage import Stage
from canaries.wire import marked
from placement_client.client import PlacementClient
from placement_client.models import ConsumerWrite, Resources
from placement_client.testing import faults
from placement_client.testing.ini import ini_text
from scheduler import FilterScheduler, build, load_config
from scheduler.claims.survey import audit, heal
from scheduler.config import options, settings_from
from scheduler.hosts.file import FileHostSource

# Their values are names of files, which a message about a file has to name.
FILES = {"record_dir", "hosts_file", "pseudonym_key_file", "previous_pseudonym_key_files", "policy_file"}


def of_journals(stage: Stage) -> Iterator[Step]:
    """Yield a journal that refuses, one that is damaged, one that cannot be reached, one that is closed."""
    for number in range(1, 9):
        yield partial(_refusing_journal, stage, number)
    yield partial(_damaged_journal, stage)
    yield partial(_unreachable_journal, stage)
    yield partial(_closed, stage)


def of_recovery(stage: Stage) -> Iterator[Step]:
    """Yield schedulers that end while Placement fails, and others that recover what they left, while it still fails."""
    for kind in ("not sent", "500", "401", "409 html", "garbage", "reset after apply"):
        yield partial(_recovered, stage, kind)


def of_audit(stage: Stage, client: PlacementClient) -> Iterator[Step]:
    """Yield audits of a fleet with strangers and an unowned reservation, with each kind of fault at some call."""
    for number, kind in enumerate(KINDS):
        yield partial(_audited, stage, client, kind, number % 7 + 1)


def of_configuration(stage: Stage) -> Iterator[Step]:
    """Yield ini files, key files and hosts files that are wrong somewhere."""
    for section, known in options.list_opts():
        for option in known:
            if option.name not in FILES:
                yield partial(_wrong_option, stage, section, option.name)
    for text in _broken_files(stage):
        yield partial(_loaded, stage, "configuration: broken", text)
    for text in _broken_hosts(stage):
        yield partial(_read_hosts, stage, text)
    yield partial(_short_key, stage)
    yield partial(_certificates, stage)
    for kind in ("none", "401", "reset before apply"):
        yield partial(_application_credential, stage, kind)


def _refusing_journal(stage: Stage, number: int) -> None:
    """Let the n-th statement of a request be refused, by a database that quotes it."""
    with stage.world.scheduler(more=_journal_of(stage)) as scheduler:
        engine = scheduler.claimer._journal._database.engine  # type: ignore[attr-defined]  # that of SQL journals
        left = iter(range(number))

        def refuse(
            connection: object, cursor: object, statement: str, parameters: tuple[object, ...], *rest: object
        ) -> None:
            if next(left, None) is None:
                raise OperationalError(f"{statement} {parameters}", parameters, talk(stage.mint))

        event.listen(engine, "before_cursor_execute", refuse)
        _ask(stage, scheduler, "journal: refuses")
        stage.play("journal: figures", scheduler.figures)
        event.remove(engine, "before_cursor_execute", refuse)
    stage.forget()


def _journal_of(stage: Stage) -> dict[str, dict[str, str]]:
    directory = stage.world.directory / str(uuid4())
    return {"journal": {"connection": f"sqlite:///{directory}/claims.sqlite"}}


def _file_of(more: dict[str, dict[str, str]]) -> Path:
    return Path(more["journal"]["connection"].removeprefix("sqlite:///"))


def _damaged_journal(stage: Stage) -> None:
    """Write over a journal while it is open, then open it again."""
    more = _journal_of(stage)
    scheduler = stage.world.scheduler(more=more)
    _ask(stage, scheduler, "journal: sound")
    stage.play("journal: files", lambda: stage.read_files(*_file_of(more).parent.iterdir()))
    content = _file_of(more).read_bytes()
    _file_of(more).write_bytes(content[:4096] + b"\0" * (len(content) - 4096))
    _ask(stage, scheduler, "journal: damaged")
    stage.play("journal: damaged, end", scheduler.close)
    _file_of(more).write_bytes(stage.mint.word("password").encode() * 400)
    stage.play("journal: damaged", lambda: stage.world.scheduler(more=more))
    stage.forget()


def _unreachable_journal(stage: Stage) -> None:
    for host in ("127.0.0.1:1", f"{stage.mint.word('host')}.invalid"):
        url = f"postgresql+psycopg://{stage.mint.word('user')}:{stage.mint.word('journal password')}@{host}/journal"
        stage.play("journal: unreachable", _build(stage, {"journal": {"connection": url}}))
    url = f"mysql://{stage.mint.word('user')}:{stage.mint.word('journal password')}@host/journal"
    stage.play("journal: unknown", lambda: stage.world.scheduler(more={"journal": {"connection": url}}))


def _closed(stage: Stage) -> None:
    with stage.world.scheduler() as scheduler:
        pass
    _ask(stage, scheduler, "journal: closed")


def _ask(stage: Stage, scheduler: FilterScheduler, path: str) -> object:
    world = stage.world
    asks, spec, instances = world.context(), world.small_request(), world.instances(2)

    def act() -> object:
        return scheduler.select_destinations(asks, spec, instances, deadline=2.0)

    return stage.play(path, act)


def _recovered(stage: Stage, kind: str) -> None:
    """End with a reservation that cannot be released, start again while Placement fails, then when it is well."""
    world, more = stage.world, _journal_of(stage)
    asks = world.context()
    scheduler = world.scheduler(more=more)
    held = scheduler.reserve(asks, world.small_request(), world.instances(2))
    world.faults.play(faults.every(marked(KINDS[kind], stage.mint)))
    stage.play(f"recovery: confirm, {kind}", held.confirm, scheduler, asks.request_id or "")
    stage.play("recovery: end", scheduler.close)
    stage.play(f"recovery: start, {kind}", lambda: world.scheduler(more=more).close())
    world.faults.play()
    stage.play("recovery: start", lambda: world.scheduler(more=more).close())
    stage.play("recovery: files", lambda: stage.read_files(*_file_of(more).parent.iterdir()))
    stage.forget()


def _audited(stage: Stage, client: PlacementClient, kind: str, number: int) -> None:
    """Audit and heal, one call of which meets a fault."""
    world = stage.world
    consumer, host = stage.mint.uuid("reservation"), world.hosts[0].uuid
    project = world.options()["claims"]["reservation_project_id"]
    client.put_allocations(consumer, ConsumerWrite({host: Resources({"VCPU": 1})}, project, world.user))
    with world.scheduler() as scheduler:
        settings = scheduler.settings.claims
        world.faults.play(faults.on_call(number, marked(KINDS[kind], stage.mint)))

        def act() -> object:
            report = audit(scheduler.placement, settings, frozenset, lambda *_: None)
            return heal(scheduler.placement, settings, report.reservations, 0.0, lambda *_: None)

        stage.play(f"audit: {kind}", act)
        world.faults.play()
    stage.forget()


def _wrong_option(stage: Stage, section: str, option: str) -> None:
    """Give an option a value that may be a secret written into the wrong line."""
    given = {section: {option: f"{stage.mint.word('password')} = {stage.mint.word('token')}"}}
    _loaded(stage, "configuration: wrong value", ini_text(stage.world.options(), given))


def _loaded(stage: Stage, path: str, text: str) -> None:
    file = stage.world.directory / "wrong.ini"
    file.write_text(text)
    stage.play(path, lambda: settings_from(load_config(str(file))))


def _broken_files(stage: Stage) -> Iterator[str]:
    """Yield ini files that are no ini files, with a secret in the line that is wrong."""
    word = stage.mint.word("password")
    sound = ini_text(stage.world.options())
    yield f"password {word}\n"
    yield f"[placement\npassword = {word}\n"
    yield f"{sound}\n[journal]\nconnection = postgresql://a:{word}@h/j\nconnection = {word}\n"
    yield f"{sound}\n  {word}\n= {word}\n"
    yield f"{sound}\n[scheduler]\nmax_atempts = {word}\n"
    yield f"[placement]\ncafile = ${word}\n[scheduler]\nmax_attempts = {word}"
    yield f"{sound}\n[placement]\ninsecure = true\npassword = {word}\ntimeout = {word}\n"


def _broken_hosts(stage: Stage) -> Iterator[str]:
    """Yield hosts files that are wrong, with secrets where a host has text of its own."""
    word, host = stage.mint.word("password"), stage.mint.word("host")
    yield f'{{"hosts": [{{"name": "{host}", "stats": "{word}"}}]}}'
    yield f'{{"hosts": [{{"name": "{host}", "stats": {{"a": ["{word}"]}}}}]}}'
    yield f'{{"hosts": [{{"name": "{host}", "stats": {{"a": "{word}"}}}}], "x": "{word}"'
    yield f'{{"hosts": [{{"name": "{host}", "stats": {{"a": "{word}"}}}}, {{"name": "{host}"}}]}}'
    yield f'{{"hosts": [{{"name": "{host}", "enabled": "{word}"}}]}}'
    yield f'{{"hosts": [{{"name": "{host}", "num_io_ops": "{word}"}}]}}'
    yield word


def _read_hosts(stage: Stage, text: str) -> None:
    for suffix in ("json", "yaml"):
        file = stage.world.directory / f"wrong.{suffix}"
        file.write_text(text)
        stage.play("hosts file", FileHostSource(file).snapshot)


def _short_key(stage: Stage) -> None:
    """Give a key file that is too short, then one that others can read."""
    file = stage.world.directory / "short"
    for text, mode in ((stage.mint.word("pseudonym key"), 0o600), (stage.mint.word("pseudonym key") * 2, 0o644)):
        file.write_text(text)
        file.chmod(mode)
        more = {"logging": {"pseudonym_key_file": str(file)}}
        stage.play("key file", _build(stage, more))


def _certificates(stage: Stage) -> None:
    """Give a private key that is none, and one whose certificate does not exist."""
    file = stage.world.directory / "key.pem"
    file.write_text(f"-----BEGIN PRIVATE KEY-----\n{stage.mint.word('private key')}\n-----END PRIVATE KEY-----\n")
    for certfile in (file, stage.world.directory / "absent.pem"):
        more = {"placement": {"keyfile": str(file), "certfile": str(certfile)}}
        ini = stage.world.directory / "certificates.ini"
        ini.write_text(ini_text(stage.world.options(), more))
        stage.play("certificates", partial(_load_and_build, str(ini)))


def _load_and_build(path: str) -> None:
    build(load_config(path)).close()


def _application_credential(stage: Stage, kind: str) -> None:
    """Log in with an application credential, while every call meets a fault."""
    secret = stage.mint.word("application credential")
    login = {"auth_type": "v3applicationcredential", "application_credential_id": stage.mint.word("service user")}
    more = {"placement": login | {"application_credential_secret": secret}}
    with stage.world.scheduler(more=more) as scheduler:
        stage.world.faults.play(faults.every(marked(KINDS[kind], stage.mint)))
        _ask(stage, scheduler, f"application credential: {kind}")
        stage.world.faults.play()
    stage.forget()


def _build(stage: Stage, more: dict[str, dict[str, str]]) -> Callable[[], object]:
    return lambda: stage.world.scheduler(more=more).close()
