"""The compiled browser side that ships in the package."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import files

from cmp_bundle.errors import CmpBundleError


@dataclass(frozen=True)
class Client:
    """``loader`` runs inline in a packed page; ``overlay`` and its ``style`` go into any phone."""

    loader: str
    overlay: str
    style: str


def client() -> Client:
    """Raises CmpBundleError where the package was not built."""
    return Client(_text("loader.js"), _text("overlay.js"), _text("overlay.css"))


def _text(name: str) -> str:
    path = files("cmp_bundle") / "client" / name
    try:
        return path.read_text("utf-8").strip()
    except FileNotFoundError:
        raise CmpBundleError(
            "the browser side of cmp-bundle was not compiled",
            file=str(path),
            hint="in a clone: make setup; or: cd client && npm ci && npm run build",
        ) from None
