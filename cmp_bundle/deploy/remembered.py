"""What was deployed, as the machine that did it remembers: in a folder that only the operator can write.

The manifests beside the releases lie in Asterisk's folder, and may say anything by now. What is
thrown away is what is remembered here; only where nothing is, theirs are taken for it.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from cmp_bundle.changes import memory
from cmp_bundle.changes.look import look
from cmp_bundle.changes.state import FileState
from cmp_bundle.deploy.layout import is_release
from cmp_bundle.files import Boundary, FileOwnership

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from cmp_bundle.changes.state import State

FORMAT = 1


def file_of(subject: Path) -> Path:
    """The file for the server whose configuration folder is ``subject``."""
    return memory.folder(str(subject)) / "deployed.json"


def read(path: Path) -> tuple[State, dict[str, dict[str, str]]]:
    """The file as it is, and what it says: by the release, the SHA-256 (hex) of each of its files.

    Nothing where it says nothing that can be used. Raises CmpBundleError where it cannot be read.
    """
    state = look(path, Boundary())
    if not isinstance(state, FileState):
        return state, {}
    try:
        document = json.loads(state.data)
        if document["format"] != FORMAT:
            return state, {}
        return state, {
            str(release): {str(name): str(digest) for name, digest in files.items()}
            for release, files in document["releases"].items()
            if is_release(release)
        }
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return state, {}


def written(releases: Mapping[str, Mapping[str, str]], owner: FileOwnership) -> FileState:
    """What ``read`` reads back."""
    document = {"format": FORMAT, "releases": {r: dict(f) for r, f in sorted(releases.items())}}
    return FileState((json.dumps(document, indent=1) + "\n").encode(), owner)
