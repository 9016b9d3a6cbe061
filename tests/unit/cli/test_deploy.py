"""The commands that change a server, as somebody types them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.unit.tls.made import odd

from .people import Desk

NO_CONTAINER = "Error response from daemon: No such container: pbx"


@pytest.fixture(name="at")
def _at(at: Desk) -> Desk:
    at("build")
    return at


def test_an_asterisk_that_cannot_be_asked_is_not_taken_for_stopped(
    at: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    docker = tmp_path / "docker"
    docker.write_text(f"#!/bin/sh\necho '{NO_CONTAINER}' >&2\nexit 1\n")
    docker.chmod(0o755)
    command = json.dumps([str(docker), "exec", "pbx", "asterisk"])
    monkeypatch.setenv("CMP_BUNDLE_ASTERISK_COMMAND", command)
    for words in (["deploy"], ["deploy", "--dry-run"], ["rollback"], ["undeploy"]):
        assert NO_CONTAINER in at.refused(*words)
    # These need only its files.
    at("releases")
    said = at("init")
    assert "not known" in said
    assert NO_CONTAINER in said


@pytest.mark.slow
def test_a_damaged_release_is_listed_as_that(at: Desk) -> None:
    at("deploy")
    release = at.json("releases")["releases"][0]["release"]
    (path,) = at.static.glob(f".*/releases/{release}.json")
    path.unlink()
    assert f"{release}  " in at("releases")
    assert f"damaged: {path}: cannot be read" in at("releases")
    (one,) = at.json("releases")["releases"]
    assert (one["release"], one["current"], one["phone"]) == (release, True, None)
    assert (one["damaged"], one["problem"]["code"]) == (True, "release-damaged")
    at("deploy")
    assert [r["damaged"] for r in at.json("releases")["releases"]] == [True, False]


@pytest.mark.slow
def test_a_line_that_is_gone_is_told_with_the_releases(at: Desk) -> None:
    """As where a PBX manager has written the file anew."""
    at("deploy")
    assert at.json("releases")["problem"] is None
    http = at.root / "etc/asterisk/http.conf"
    lines = http.read_text().splitlines(keepends=True)
    http.write_text("".join(line for line in lines if "cmp-bundle" not in line))
    problem = at.json("releases")["problem"]
    assert (problem["code"], problem["file"]) == ("line-lost", "/etc/asterisk/http.conf")
    at("deploy")
    assert at.json("releases")["problem"] is None
    at("undeploy")
    assert at.json("releases")["problem"] is None


def test_a_private_key_in_a_bundle_from_elsewhere(at: Desk) -> None:
    """Also where nobody has an account here, so that no password could get out."""
    at.edit("assets/notes.txt", odd()[0])
    assert not at.accounts.exists()
    said = at.refused("deploy")
    assert "assets/notes.txt" in said
    assert "private key" in said
