"""A bundle may come from anywhere; a deploy of it stays in its own places."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from cmp_bundle.bundle import manifest
from cmp_bundle.errors import CmpBundleError
from tests.unit.deploy.trees import bundle


def document() -> dict[str, Any]:
    return dict(json.loads(bundle().manifest.to_json()))


def test_there_and_back() -> None:
    made = bundle().manifest
    assert manifest.from_json(made.to_json(), "x") == made


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"site": "../etc"}, "site.name must be a plain folder name"),
        ({"redirect": "/x\n[general]"}, "site.redirect must be a path"),
        ({"entry": "/etc/passwd"}, "'/etc/passwd' leads out of the bundle"),
        ({"files": [{"path": "a/../../b", "size": 1, "sha256": ""}]}, "leads out of the bundle"),
        ({"format": 99}, "written by another version of cmp-bundle"),
        ({"files": 5}, "is not a manifest"),
        ({"site": 5}, "is not a manifest"),
        ({"more": 1}, "is not a manifest"),
    ],
)
def test_what_is_refused(changes: dict[str, Any], says: str) -> None:
    with pytest.raises(CmpBundleError, match=says) as caught:
        manifest.from_json(json.dumps(document() | changes).encode(), "bundle/manifest.json")
    assert caught.value.file == "bundle/manifest.json"


@pytest.mark.parametrize("data", [b"", b"[]", b"{}", b'{"a', b"\xff"])
def test_what_is_no_manifest(data: bytes) -> None:
    with pytest.raises(CmpBundleError, match="is not a manifest of cmp-bundle"):
        manifest.from_json(data, Path("manifest.json"))
