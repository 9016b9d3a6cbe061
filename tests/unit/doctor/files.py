"""The files of an Asterisk that does not run, as the doctor finds them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from cmp_bundle.asterisk.installation import Named, find
from cmp_bundle.doctor.evidence import Written
from cmp_bundle.doctor.written import written


def in_files(folder: Path, files: Mapping[str, str]) -> Written:
    """With these below /etc/asterisk, by their names."""
    etc = folder / "etc/asterisk"
    etc.mkdir(parents=True)
    (folder / "usr/share/asterisk/static-http").mkdir(parents=True)
    for name, text in {
        "asterisk.conf": "[directories]\n",
        "http.conf": "[general]\n",
        **files,
    }.items():
        (etc / name).write_text(text)
    installation = find(Named(folder, command=("false",)))
    assert installation is not None
    found = written(installation)
    assert isinstance(found, Written), found
    return found
