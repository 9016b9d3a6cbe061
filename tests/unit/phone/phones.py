"""Phones to test with, and any phone at all."""

from __future__ import annotations

import io
import tarfile
import zipfile
from typing import TYPE_CHECKING

from hypothesis import strategies as st

from cmp_bundle.phone.file import PhoneFile

if TYPE_CHECKING:
    from collections.abc import Mapping

PAGE = PhoneFile(b"<!doctype html><title>a phone</title>\n")
SMALL = {"index.html": PAGE}
#: Every kind of file that a phone may hold, and names that sort unlike strings do.
VARIED = {
    "index.html": PAGE,
    "lib.js": PhoneFile(b"// sorts before lib/ in git\n// $Format:%H$\n"),
    "lib/sip.js": PhoneFile(b"x" * 70_000),
    "lib/deep/er/a b.css": PhoneFile(b""),
    "lib0": PhoneFile(bytes(range(256))),
    "serve.sh": PhoneFile(b"#!/bin/sh\n", executable=True),
    "sounds/klingel-äöü-☎.ogg": PhoneFile(b"\0\1\2"),
    ".gitattributes": PhoneFile(b"*.js export-subst text eol=crlf\nlib0 export-ignore\n"),
}

_NAMES = st.text("ab.-0_ é☎~", min_size=1, max_size=4).filter(
    lambda name: name not in (".", "..") and name.strip(".")
)


@st.composite
def phones(draw: st.DrawFn) -> dict[str, PhoneFile]:
    """Files under names that no disk mixes up, none of which is another one's folder."""
    paths = draw(st.lists(st.lists(_NAMES, min_size=1, max_size=3).map("/".join), max_size=8))
    chosen: dict[str, PhoneFile] = {"index.html": PAGE}
    for path in paths:
        folders = {"/".join(path.split("/")[:n]) for n in range(1, path.count("/") + 1)}
        above = any(known.startswith(f"{path}/") for known in chosen)
        if path not in chosen and not above and not folders & chosen.keys():
            chosen[path] = PhoneFile(draw(st.binary(max_size=40)), draw(st.booleans()))
    return chosen


def as_tar(
    files: Mapping[str, PhoneFile],
    top: str = "",
    *,
    gzipped: bool = True,
    form: int = tarfile.PAX_FORMAT,
) -> bytes:
    """A tar as Python writes it."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz" if gzipped else "w", format=form) as archive:
        for path, file in files.items():
            info = tarfile.TarInfo(top + path)
            info.size = len(file.data)
            info.mode = 0o755 if file.executable else 0o644
            archive.addfile(info, io.BytesIO(file.data))
    return out.getvalue()


def as_zip(files: Mapping[str, PhoneFile], top: str = "", *, deflate: bool = True) -> bytes:
    """A zip as Python writes it."""
    out = io.BytesIO()
    method = zipfile.ZIP_DEFLATED if deflate else zipfile.ZIP_STORED
    with zipfile.ZipFile(out, "w", method) as archive:
        for path, file in files.items():
            info = zipfile.ZipInfo(top + path)
            info.compress_type = method
            info.create_system = 3
            info.external_attr = (0o100755 if file.executable else 0o100644) << 16
            archive.writestr(info, file.data)
    return out.getvalue()
