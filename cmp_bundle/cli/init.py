from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cmp_bundle.asterisk import reader
from cmp_bundle.asterisk.http_conf import http_server
from cmp_bundle.cli import git_ignore, server
from cmp_bundle.cli.command import Run
from cmp_bundle.cli.command import command as make
from cmp_bundle.cli.output import Result
from cmp_bundle.errors import CmpBundleError
from cmp_bundle.files import Disk
from cmp_bundle.settings.load import FILE_NAME
from cmp_bundle.settings.template import render
from cmp_bundle.tls.names import names_served

if TYPE_CHECKING:
    from cmp_bundle.asterisk.configuration import Variable
    from cmp_bundle.asterisk.installation import Installation


@make(
    click.option("--force", is_flag=True, help="Replace a cmp-bundle.toml that is there already."),
    flags=("asterisk.root",),
)
def command(run: Run, *, force: bool) -> Result:
    """Look at this machine's Asterisk and write cmp-bundle.toml.

    Tells what was found and where it says so. Without an Asterisk the file holds the defaults.
    cmp-bundle.toml may be committed; what may not, passwords and keys above all, gets its lines in
    .gitignore.
    """
    path = Path.cwd() / FILE_NAME
    if path.exists() and not force:
        raise CmpBundleError(
            "file-exists",
            "is there already, and is not replaced",
            file=path,
            hint="change it with an editor, or write it anew: --force",
        )
    found = server.look(run)
    if found is None:
        lines = ["no Asterisk was found here: the defaults it is"]
        data: dict[str, Any] = {}
        settings: dict[str, tuple[Any, str]] = {}
    else:
        lines, data = _told(found)
        settings = _settings(run, found)
    Disk().write(path, render(settings).encode())
    lines += git_ignore.keep_out(path.parent)
    lines.append(f"wrote {path}; next: cmp-bundle build && cmp-bundle deploy --dry-run")
    return Result("\n".join(lines), {"file": path, "found": data})


def _settings(run: Run, found: Installation) -> dict[str, tuple[Any, str]]:
    """What is worth writing down. As root takes what stands there for the operator's word, an
    unusual data folder that Asterisk or its files name is found out anew each time instead.
    """
    settings: dict[str, tuple[Any, str]] = {
        "asterisk.etc_dir": (found.etc.value, found.etc.origin),
        "asterisk.user": (found.user.value, found.user.origin),
    }
    if found.data_is_sure:
        settings["asterisk.data_dir"] = (found.data.value, found.data.origin)
    if run.settings.asterisk.root != Path("/"):
        settings["asterisk.root"] = (run.settings.asterisk.root, "--asterisk-root")
    return settings


def _running(found: Installation) -> tuple[str, str]:
    if found.unanswered is not None:
        return "not known", str(found.unanswered)
    return "yes" if found.running else "no", "asterisk -rx"


def _told(found: Installation) -> tuple[list[str], dict[str, Any]]:
    """What was found, a line each, and the same as data."""
    http = reader.read("http.conf", found.files)
    made = http_server(http)

    def origin(attribute: str) -> str:
        variable: Variable | None = made.origins.get(attribute)
        return f"{variable.file}:{variable.line}" if variable else "Asterisk's default"

    rows: list[tuple[str, str, str]] = [
        ("configuration", str(found.etc_folder), found.etc.origin),
        ("static files", str(found.static), found.data.origin),
        ("user", found.user.value, found.user.origin),
        ("running", *_running(found)),
    ]
    if http.missing:
        path = found.configuration("http.conf")
        rows.append(("http.conf", "is no file" if path.exists() else "is not there", str(path)))
    elif http.refused:
        problem = http.problems[-1]
        rows.append(("http.conf", f"Asterisk refuses it: {problem.message}", str(problem.place)))
    else:
        https = str(made.tls_address) if made.tls_address else "off"
        rows.append(("HTTPS", https, origin("tls_address" if made.tls_address else "tls_enabled")))
        rows.append(("prefix", made.prefix or "none", origin("prefix")))
        if made.tls_address:
            names = names_served(found, made.certificate)
            rows.append(("certificate", made.certificate, origin("certificate")))
            rows.append(("its names", str(names), made.certificate))
        for redirect in made.redirects:
            place = f"{redirect.origin.file}:{redirect.origin.line}"
            rows.append(("redirect", f"{redirect.target} to {redirect.destination}", place))
    width = max(len(value) for _, value, _ in rows if len(value) < 60)  # noqa: PLR2004 - a line's width
    lines = [f"{name + ':':<15}{value:<{width}}  ({where})" for name, value, where in rows]
    data = [{"what": n, "value": v, "origin": w} for n, v, w in rows]
    return lines, {"facts": data}
