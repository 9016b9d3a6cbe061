"""The references in docs/, made from the program itself: ``make docs`` writes them anew.

A test compares them, so that neither can say what is no longer so.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import click

from cmp_bundle.cli.app import COMMANDS
from cmp_bundle.files.owned import TRUST
from cmp_bundle.findings import known
from cmp_bundle.phone.cache import VARIABLE as CACHE
from cmp_bundle.settings.load import FILE_NAME
from cmp_bundle.settings.load import VARIABLE as CONFIG
from cmp_bundle.settings.model import sections
from cmp_bundle.settings.template import literal
from tests import doctors_pages, schemas

DOCS = Path(__file__).parents[1] / "docs"


def commands() -> str:
    """docs/commands.md: the help of every command."""
    lines = ["# Commands", "", "Made from `--help` by `make docs`.", ""]
    lines += ["| command | what it does |", "|---|---|"]
    lines += [f"| [`{name}`](#cmp-bundle-{name}) | {means} |" for name, means in COMMANDS.items()]
    for name in COMMANDS:
        module = importlib.import_module(f"cmp_bundle.cli.{name.replace('-', '_')}")
        for path, command in _every(f"cmp-bundle {name}", module.command):
            look = {"info_name": path, "terminal_width": 96, **command.context_settings}
            with click.Context(command, **look) as context:
                shown = command.get_help(context)
            lines += ["", f"## {path}", "", "```text", shown, "```"]
    return "\n".join(lines) + "\n"


def _every(path: str, command: click.Command) -> Iterator[tuple[str, click.Command]]:
    yield path, command
    if isinstance(command, click.Group):
        for name, child in command.commands.items():
            yield from _every(f"{path} {name}", child)


def settings() -> str:
    """docs/settings.md: every setting, with its environment variable."""
    lines = [
        "# Settings",
        "",
        "Made from `cmp_bundle/settings/model.py` by `make docs`. The first of these wins: the flag,",
        "the environment variable, `cmp-bundle.toml`, the default. `cmp-bundle config` shows the",
        "settings in effect, and where each comes from.",
        "",
        f"The file is the one in `--config`, else the one in the environment variable `{CONFIG}`,",
        f"else `{FILE_NAME}` in the current folder. Fetched phones are kept in the user's cache",
        f"folder, or in the folder in `{CACHE}`.",
        "",
        "The settings, the accounts, the link key and password files are used only if they and their",
        "folders belong to you or to root, and nobody else can change them. With `sudo`, your own",
        f"files are used too. To trust one more user, set `{TRUST}` to that user's number:",
        "for a container with folders of its host, for example.",
    ]
    for section, (means, keys) in sections().items():
        lines += ["", f"## [{section}]", "", means, ""]
        lines += ["| setting | default | what it is | environment |", "|---|---|---|---|"]
        for key in keys:
            default = literal(key.default).replace("|", "\\|")
            means_cell = key.help.replace("|", "\\|")
            lines.append(f"| `{key.name}` | `{default}` | {means_cell} | `{key.variable}` |")
    return "\n".join(lines) + "\n"


def findings() -> str:
    """docs/findings.md: every kind of finding, by its code."""
    lines = [
        "# Findings",
        "",
        "Made from `cmp_bundle/findings.toml` by `make docs`. Every error, warning and note has a code,",
        "which stays the same in every version: look for it here, and let scripts look for it in",
        "`--json`. An error stops a command or keeps a phone from working. A warning is about",
        "something that you may not expect. A note is for information.",
        "",
        "A code of a letter and a number is a fault between a browser and Asterisk, and has a page of",
        "its own. Mend the first one on the way: what comes after it may be well.",
        "",
        "## What people say",
        "",
        *doctors_pages.by_symptom(),
        "",
        "## The way from a browser to Asterisk",
        *doctors_pages.by_part(),
    ]
    for kind in known().values():
        if kind.on_the_way:
            continue
        lines += [
            "",
            f"## {kind.code}",
            "",
            f"{kind.title} ({kind.level}, since {kind.since}).",
            "",
            f"- What people see: {kind.people_see}",
            f"- What to do: {kind.what_to_do}",
        ]
    return "\n".join(lines) + "\n"


#: What each file under docs/ has to hold.
FILES: dict[str, Callable[[], str]] = {
    "commands.md": commands,
    "settings.md": settings,
    "findings.md": findings,
    **{f"findings/{name}": partial(str, text) for name, text in doctors_pages.pages().items()},
    **{f"json/{name}": partial(str, text) for name, text in schemas.made().items()},
}


def stale() -> list[Path]:
    """What lies in the folders that are made, and is not made any more."""
    made = {DOCS / name for name in FILES}
    return [path for folder in ("findings", "json") for path in (DOCS / folder).iterdir()
            if path not in made]  # fmt: skip


def main() -> int:
    (DOCS / "findings").mkdir(exist_ok=True)
    for name, made in FILES.items():
        (DOCS / name).write_text(made())
    for path in stale():
        path.unlink()
    return 0


if __name__ == "__main__":
    sys.exit(main())
