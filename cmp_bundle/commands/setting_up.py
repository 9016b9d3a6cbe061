"""The use case of a beginning: look at this machine's Asterisk, and write the settings for it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cmp_bundle.asterisk import reader
from cmp_bundle.asterisk.closed_files import closed_file
from cmp_bundle.asterisk.http_conf import http_server
from cmp_bundle.commands import git_ignore, server
from cmp_bundle.errors import file_exists
from cmp_bundle.files import Disk, Rights
from cmp_bundle.files.rights import is_there
from cmp_bundle.settings.load import FILE_NAME
from cmp_bundle.settings.template import render
from cmp_bundle.tls.names import names_served

if TYPE_CHECKING:
    from cmp_bundle.asterisk.configuration import Variable
    from cmp_bundle.asterisk.installation import Installation
    from cmp_bundle.commands.context import Context


@dataclass(frozen=True)
class InitFact:
    """Something that was found: ``origin`` says who or which line tells it."""

    what: str
    value: str
    origin: str


@dataclass(frozen=True)
class Initialised:
    """``file`` was written with what was ``found`` of an Asterisk, nothing where there is none.

    ``notes`` say what was done about .gitignore.
    """

    file: Path
    found: tuple[InitFact, ...]
    notes: tuple[str, ...]


def init(context: Context, *, force: bool = False) -> Initialised:
    """Look at this machine's Asterisk and write cmp-bundle.toml into the current folder.

    Raises CmpBundleError where there is one, unless ``force``.
    """
    path = Path.cwd() / FILE_NAME
    if is_there(path) and not force:
        raise file_exists(path, "edit it, or replace it: --force")
    found = server.look(context)
    facts = _facts(found) if found else ()
    Disk().write(path, render(_settings(context, found) if found else {}).encode())
    return Initialised(path, facts, tuple(git_ignore.keep_out(path.parent)))


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
    if context.settings.asterisk.root != Path("/"):
        settings["asterisk.root"] = (context.settings.asterisk.root, "--asterisk-root")
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
