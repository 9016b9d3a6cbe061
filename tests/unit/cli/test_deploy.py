"""The commands that change a server, as somebody types them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.unit.cli import people
from tests.unit.cli.people import Desk

NO_CONTAINER = "Error response from daemon: No such container: pbx"


@pytest.fixture
def desk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Desk:
    made = people.desk(tmp_path, monkeypatch, capsys)
    made("build")
    return made


def test_an_asterisk_that_cannot_be_asked_is_not_taken_for_stopped(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    docker = tmp_path / "docker"
    docker.write_text(f"#!/bin/sh\necho '{NO_CONTAINER}' >&2\nexit 1\n")
    docker.chmod(0o755)
    command = json.dumps([str(docker), "exec", "pbx", "asterisk"])
    monkeypatch.setenv("CMP_BUNDLE_ASTERISK_COMMAND", command)
    for words in (["deploy"], ["deploy", "--dry-run"], ["rollback"], ["undeploy"]):
        assert NO_CONTAINER in desk.refused(*words)
    # These need only its files.
    desk("releases")
    said = desk("init")
    assert "not known" in said
    assert NO_CONTAINER in said


def test_a_damaged_release_is_listed_as_that(desk: Desk) -> None:
    desk("deploy")
    release = desk.json("releases")["releases"][0]["release"]
    (path,) = desk.static.glob(f".*/releases/{release}.json")
    path.unlink()
    assert f"{release}  " in desk("releases")
    assert f"damaged: {path}: cannot be read" in desk("releases")
    assert desk.json("releases")["releases"] == [
        {"release": release, "current": True, "phone": None, "damaged": True}
    ]
    desk("deploy")
    assert [r["damaged"] for r in desk.json("releases")["releases"]] == [True, False]


@pytest.mark.parametrize(
    "address",
    ["8089", ":8089", "0.0.0.0", "pbx.example:8089", "0.0.0.0:99999", "0.0.0.0:80\nx=1", "::1;:80"],
)
def test_an_address_that_asterisk_would_not_listen_on(desk: Desk, address: str) -> None:
    pem = "/etc/asterisk/http.conf"
    said = desk.refused(
        "deploy", "--enable-https", "--cert", pem, "--key", pem, "--https-address", address
    )
    assert "is no numeric address with a port" in said
