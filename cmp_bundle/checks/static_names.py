"""Names of files that Asterisk would serve, or refuse, otherwise than one may think."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cmp_bundle.asterisk.static import content_type, refused
from cmp_bundle.findings import finding
from cmp_bundle.places import Place

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cmp_bundle.bundle.build import Built
    from cmp_bundle.findings import Finding

#: Extensions that Asterisk gives a type which browsers do not accept for their purpose.
_MISTYPED = {
    "mjs": "browsers refuse a module of this type; name it .js",
    "wasm": "WebAssembly.instantiateStreaming refuses it; fetch it and instantiate the bytes",
    "webmanifest": "browsers may ignore a manifest of this type; name it .cnf or leave it out",
}


def served_badly(built: Built) -> Iterator[Finding]:
    """What is to be said about publishing what was built."""
    bundle = built.bundle
    for path in bundle.files:
        yield from of_path(f"{bundle.manifest.site}/{path}")


def of_path(path: str) -> Iterator[Finding]:
    """What is to be said about publishing a file under ``path``, as seen behind /static/."""
    place = Place(path)
    why = refused(path)
    if why:
        yield finding("static-refused", f"Asterisk refuses it with 403: {why}", place)
    if "/private/" in f"/{path}":
        text = "Asterisk answers 403 below /private/ without a manager's web session"
        yield finding("static-refused", text, place)
    name = path.rsplit("/", 1)[-1]
    if name.startswith("."):
        yield finding("static-dotfile", "a dot file, which Asterisk serves to everybody", place)
    extension = name.rpartition(".")[2].lower() if "." in name else ""
    if extension in _MISTYPED:
        text = f"Asterisk sends it as {content_type(path)}: {_MISTYPED[extension]}"
        yield finding("static-type", text, place)
