"""The compiled browser side that ships in the package."""

from __future__ import annotations

import json
from dataclasses import dataclass
from importlib.resources import files

from cmp_bundle.errors import CmpBundleError


@dataclass(frozen=True)
class Client:
    """``loader`` runs inline in a packed page; ``overlay`` and its ``style`` go into any phone.

    ``fixes`` and ``fixes_style`` go into every phone but the built-in one. ``early`` runs inline,
    before anything else of a page that has the overlay.
    """

    loader: str
    overlay: str
    style: str
    fixes: str = ""
    fixes_style: str = ""
    early: str = ""


@dataclass(frozen=True)
class Fix:
    """One defect of upstream's phone and what became of it.

    ``instead`` says why nothing runs in the page for it; empty where something does.
    """

    id: str
    name: str
    reason: str
    instead: str = ""


def client() -> Client:
    """Raises CmpBundleError where the package was not built."""
    names = ("loader.js", "overlay.js", "overlay.css", "fixes.js", "fixes.css", "early.js")
    return Client(*map(_text, names))


def fixes() -> tuple[Fix, ...]:
    """What can be fixed. Raises CmpBundleError where the package was not built."""
    return tuple(Fix(**row) for row in json.loads(_text("fixes.json")))


def _text(name: str) -> str:
    path = files("cmp_bundle") / "client" / name
    try:
        return path.read_text("utf-8").strip()
    except FileNotFoundError:
        raise CmpBundleError(
            "client-not-built",
            "the browser side of cmp-bundle is not compiled",
            file=str(path),
            hint="in a clone: make setup; or: cd client && npm ci --ignore-scripts && npm run build",
        ) from None
