"""What a running Asterisk says of itself, through a command that stands for it."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from cmp_bundle.asterisk import control
from cmp_bundle.asterisk.control import NOT_BOUND, Control
from cmp_bundle.errors import CmpBundleError

SETTINGS = """\
\x1b[1;32m
PBX Core settings
-----------------
  Version:                     22.10.0
  Maximum calls:               Not set

* Directories
  -------------
  Configuration file:          /etc/asterisk/asterisk.conf
  Configuration directory:     /etc/asterisk
  Module directory:            /usr/lib/x86_64-linux-gnu/asterisk/modules
  Data directory:              /srv/with space/asterisk\x1b[0m

* Other
"""

STATUS = """\
HTTP Server Status:
Prefix: /pbx
Server: Asterisk/22.10.0
Server Enabled and Bound to 127.0.0.1:8088

HTTPS Server Enabled and Bound to 0.0.0.0:8089

Enabled URI's:
"""


def standing_in(folder: Path, script: str) -> Control:
    path = folder / "asterisk"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return Control((str(path), "-C", "/etc/asterisk.conf"))


def saying(folder: Path, text: str) -> Control:
    (folder / "answer").write_text(text)
    return standing_in(folder, f"cat {folder}/answer")


def test_how_it_is_asked(tmp_path: Path) -> None:
    asked = standing_in(tmp_path, 'printf "%s|" "$@"; cat').ask("module reload http")
    assert asked == "-C|/etc/asterisk.conf|-rx|module reload http|"


def test_directories(tmp_path: Path) -> None:
    assert saying(tmp_path, SETTINGS).directories() == {
        "Configuration directory": "/etc/asterisk",
        "Module directory": "/usr/lib/x86_64-linux-gnu/asterisk/modules",
        "Data directory": "/srv/with space/asterisk",
    }


def test_where_https_listens(tmp_path: Path) -> None:
    assert saying(tmp_path, STATUS).listener() == "0.0.0.0:8089"
    plain = "".join(line for line in STATUS.splitlines(True) if "HTTPS" not in line)
    assert saying(tmp_path, plain).listener() is None
    assert saying(tmp_path, STATUS.replace("0.0.0.0:8089", "(null)")).listener() == NOT_BOUND
    # A word that is no address is none, rather than a port that crashes whoever connects to it.
    assert saying(tmp_path, STATUS.replace("0.0.0.0:8089", "something")).listener() is None


@pytest.mark.parametrize("script", ["exit 1", "echo 'Unable to connect'; exit 1", "kill -9 $$"])
def test_none_that_runs(script: str, tmp_path: Path) -> None:
    found = standing_in(tmp_path, script)
    assert not found.running()
    assert found.directories() is None
    assert found.listener() is None


def test_none_at_all(tmp_path: Path) -> None:
    for command in ((str(tmp_path / "none"),), (str(tmp_path),)):
        assert not Control(command).running()


def test_bytes_that_are_no_text(tmp_path: Path) -> None:
    assert standing_in(tmp_path, r"printf 'a\377b'").ask("x") == "a\N{REPLACEMENT CHARACTER}b"


def test_one_that_does_not_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(control, "PATIENCE", 0.05)
    stuck = standing_in(tmp_path, "exec sleep 60")
    with pytest.raises(CmpBundleError, match="did not answer to 'core show version'") as caught:
        stuck.running()
    assert f"{tmp_path}/asterisk -C /etc/asterisk.conf -rx" in str(caught.value.hint)
