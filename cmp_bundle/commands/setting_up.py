"""The use case of a beginning: look at this machine's Asterisk, and write the settings for it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cmp_bundle.asterisk import reader
from cmp_bundle.asterisk.closed_files import closed_file
from cmp_bundle.asterisk.http_conf import http_server
from cmp_bundle.commands import git_ignore, server
from cmp_bundle.commands.account_files import read
from cmp_bundle.commands.examining import look_over
from cmp_bundle.errors import CmpBundleError, file_exists
from cmp_bundle.files import Disk, FileOwnership, Rights, owned
from cmp_bundle.files.rights import is_there
from cmp_bundle.findings import Level
from cmp_bundle.settings.load import FILE_NAME, LARGEST
from cmp_bundle.settings.template import render
from cmp_bundle.tls.names import names_served

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from cmp_bundle.asterisk.configuration import Variable
    from cmp_bundle.asterisk.installation import Installation
    from cmp_bundle.commands.context import Context
    from cmp_bundle.findings import Finding


@dataclass(frozen=True)
class InitFact:
    """Something that was found: ``origin`` says who or which line tells it."""

    what: str
    value: str
    origin: str


@dataclass(frozen=True)
class SettingChange:
    """A setting that the file had otherwise; None is for one that it does not set. ``origin`` says who
    or which line tells the value that counts now.
    """

    setting: str
    before: Any
    after: Any
    origin: str


@dataclass(frozen=True)
class Initialised:
    """What was ``found`` of an Asterisk, nothing where there is none, and is in ``file`` now;
    ``written`` is false where it said so already.

    ``changes`` are to what it said before, and ``kept`` the settings of the operator's that stay;
    ``before`` is where it is kept as it was, if it was replaced.
    ``notes`` say what was done about .gitignore, and what was wrong with the file. ``findings`` are what
    is wrong with the server and provision does not mend; ``next`` is the command that goes on from here.
    """

    file: Path
    found: tuple[InitFact, ...]
    notes: tuple[str, ...]
    changes: tuple[SettingChange, ...] = ()
    kept: tuple[str, ...] = ()
    before: Path | None = None
    written: bool = True
    findings: tuple[Finding, ...] = ()
    next: str = ""


#: What is found out here, and looked for anew where the file says it already.
_FOUND_OUT = ("etc_dir", "data_dir", "user")


def init(context: Context, *, force: bool = False) -> Initialised:
    """Look at this machine's Asterisk and write cmp-bundle.toml into the current folder, or the file
    that ``context`` was loaded with.

    Raises CmpBundleError where there is one, unless ``force``: then what is found out here is looked
    for anew, all other settings of the file stay, and the file as it was is kept beside it.
    """
    loaded = context.loaded
    path = loaded.file or Path.cwd() / FILE_NAME
    there = is_there(path)
    if there and not force:
        raise loaded.broken or file_exists(path, "edit it, or look at the machine anew: --force")
    found = _found(context)
    facts = _facts(found) if found else ()
    findings = look_over(context, found, notes=True) if found else ()
    wanted = _settings(context, found) if found else {}
    kept = _kept(context, found, wanted)
    notes = [] if loaded.broken is None else [f"replaced, because it was wrong: {loaded.broken}"]
    before = None
    after = {name: value for name, (value, _) in (kept | wanted).items()}
    if there and (loaded.broken or after != loaded.written):
        before = path.with_name(f"{path.name}.old")
        Disk().write(before, owned.content(path, LARGEST), FileOwnership.of(path))
    if before or not there:
        Disk().write(path, render(kept | wanted).encode())
    return Initialised(
        path,
        facts,
        (*notes, *git_ignore.keep_out(path.parent)),
        tuple(_changes(context, found, wanted, kept)),
        tuple(sorted(kept)),
        before,
        written=bool(before or not there),
        findings=tuple(one for one in findings if not _is_left_to_provision(one)),
        next=_next(context, found, findings),
    )


#: What provision mends.
_FOR_PROVISION = {"T101", "W103"}


def _is_left_to_provision(one: Finding) -> bool:
    """What it mends, and what nobody asked for: S101 is a warning where there is no phone yet."""
    if one.code in _FOR_PROVISION or one.level is Level.NOTE:
        return True
    return one.code == "S101" and one.level is Level.WARNING


def _next(context: Context, found: Installation | None, findings: tuple[Finding, ...]) -> str:
    """The command that brings the phone on from here."""
    if found is None:
        return "cmp-bundle serve, which needs no Asterisk"
    errors = {one.code for one in findings if one.level is Level.ERROR}
    if errors - _FOR_PROVISION:
        return "cmp-bundle doctor, which says what to do about the errors above"
    if errors or not _has_accounts(context):
        taken = any(one.code == "W103" for one in findings)
        restart = " --restart" if taken else ""
        return (
            f"cmp-bundle accounts add USER --extension NUMBER, then: cmp-bundle provision{restart}"
        )
    return "cmp-bundle build && cmp-bundle deploy --dry-run"


def _has_accounts(context: Context) -> bool:
    try:
        return bool(read(context).accounts)
    except CmpBundleError:
        return False


def _found(context: Context) -> Installation | None:
    """The Asterisk here, whatever the file says of it; by the file's word where it takes that."""
    loaded = context.loaded
    old = [name for name in _FOUND_OUT if loaded.origins[f"asterisk.{name}"].kind == "file"]
    unsaid: dict[str, Any] = dict.fromkeys(old, "")
    asterisk = replace(loaded.settings.asterisk, **unsaid)
    settings = replace(loaded.settings, asterisk=asterisk)
    try:
        anew = server.look(replace(context, loaded=replace(loaded, settings=settings)))
    except CmpBundleError:
        if not old:
            raise
        anew = None
    return server.look(context) if anew is None and old else anew


def _kept(
    context: Context, found: Installation | None, wanted: Mapping[str, Any]
) -> dict[str, tuple[Any, str]]:
    """What the file says that stays, as it says it."""
    data = found.data.value if found else None
    return {
        name: (value, "as before")
        for name, value in context.loaded.written.items()
        if name not in wanted
        # One that is not written down is found out each time, unless the operator has written it.
        and (found is None or name != "asterisk.data_dir" or value == data)
    }


def _changes(
    context: Context,
    found: Installation | None,
    wanted: Mapping[str, tuple[Any, str]],
    kept: Mapping[str, Any],
) -> Iterator[SettingChange]:
    """What the file said otherwise."""
    written = context.loaded.written
    if not written:
        return
    for name, (value, origin) in wanted.items():
        if written.get(name) != value:
            yield SettingChange(name, written.get(name), value, origin)
    if found and "asterisk.data_dir" in written.keys() - {*wanted, *kept}:
        now = f"found out each time, now {found.data.value}: {found.data.origin}"
        yield SettingChange("asterisk.data_dir", written["asterisk.data_dir"], None, now)


def _settings(context: Context, found: Installation) -> dict[str, tuple[Any, str]]:
    """What is worth writing down. As root takes what stands there for the operator's word, an
    unusual data folder that Asterisk or its files name is found out anew each time instead.
    """
    settings: dict[str, tuple[Any, str]] = {
        "asterisk.etc_dir": (found.etc.value, found.etc.origin),
        "asterisk.user": (found.user.value, found.user.origin),
    }
    if found.data_is_sure:
        settings["asterisk.data_dir"] = (found.data.value, found.data.origin)
    root = context.loaded.origins["asterisk.root"]
    if context.settings.asterisk.root != Path("/") and root.kind != "file":
        settings["asterisk.root"] = (str(context.settings.asterisk.root), "--asterisk-root")
    return settings


def _facts(found: Installation) -> tuple[InitFact, ...]:
    """What was found of an Asterisk."""
    http = reader.read("http.conf", found.files)
    configured = http_server(http)

    def origin(attribute: str) -> str:
        variable: Variable | None = configured.origins.get(attribute)
        return str(variable.place) if variable else "Asterisk's default"

    running = InitFact("running", "yes" if found.running else "no", "asterisk -rx")
    if found.unanswered is not None:
        running = InitFact("running", "not known", str(found.unanswered))
    facts = [
        InitFact("configuration", str(found.etc_folder), found.etc.origin),
        InitFact("static files", str(found.static), found.data.origin),
        InitFact("user", found.user.value, found.user.origin),
        running,
    ]
    if closed := closed_file(http, found.files):
        if not Rights.own().are_roots:
            raise closed  # a file that somebody else wrote would stand in root's way
        return (*facts, InitFact("http.conf", closed.message, closed.file or ""))
    if http.missing:
        path = found.configuration("http.conf")
        there = "is not a file" if path.exists() else "is missing"
        return (*facts, InitFact("http.conf", there, str(path)))
    if http.refused:
        last = http.problems[-1]
        return (
            *facts,
            InitFact("http.conf", f"Asterisk refuses it: {last.message}", str(last.place)),
        )
    https = str(configured.tls_address) if configured.tls_address else "off"
    facts.append(
        InitFact("HTTPS", https, origin("tls_address" if configured.tls_address else "tls_enabled"))
    )
    facts.append(InitFact("prefix", configured.prefix or "none", origin("prefix")))
    if configured.tls_address:
        names = names_served(found, configured.certificate)
        facts.append(InitFact("certificate", configured.certificate, origin("certificate")))
        facts.append(InitFact("its names", str(names), configured.certificate))
    facts += [
        InitFact("redirect", f"{one.target} to {one.destination}", str(one.origin))
        for one in configured.redirects
    ]
    return tuple(facts)
