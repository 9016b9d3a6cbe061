"""What a running Asterisk says of itself, through a command that stands for it."""

from __future__ import annotations

import socket
from dataclasses import replace
from pathlib import Path

import pytest

from cmp_bundle.asterisk import control
from cmp_bundle.asterisk.control import NOT_BOUND, Control
from cmp_bundle.errors import CmpBundleError
from tests.unit.nobody import as_nobody, needs_root, open_folder

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
    path.chmod(0o755)
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


def test_one_that_starts_is_asked_again(tmp_path: Path) -> None:
    """It is "fully booted" before it knows its own commands: seen on 22, on a busy machine."""
    (tmp_path / "answer").write_text(SETTINGS)
    starting = f"""\
echo "$4" >> {tmp_path}/asked
case "$4" in "core waitfullybooted") echo "Asterisk has fully booted."; exit;; esac
[ $(grep -c settings {tmp_path}/asked) -gt 2 ] && exec cat {tmp_path}/answer
echo "No such command '$4' (type 'core show help core' for other possible commands)"
"""
    found = standing_in(tmp_path, starting).directories()
    assert found is not None
    assert found["Configuration directory"] == "/etc/asterisk"
    asked = (tmp_path / "asked").read_text().splitlines()
    assert asked == ["core show settings", "core waitfullybooted", *["core show settings"] * 2]


def test_one_that_never_knows_its_directories(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No place is guessed for an Asterisk that runs."""
    monkeypatch.setattr(control, "_KNOWS_ALL", 0.2)
    for text in (
        "No such command 'core show settings'",
        "",
        SETTINGS.replace("Configuration", "x"),
    ):
        with pytest.raises(
            CmpBundleError, match="does not report its configuration directory"
        ) as caught:
            saying(tmp_path, text).directories()
        assert "-rx 'core show settings'" in (caught.value.hint or "")


def test_whether_it_is_booted(tmp_path: Path) -> None:
    control = standing_in(
        tmp_path, """[ "$4" = "core waitfullybooted" ] && echo "Asterisk has fully booted." """
    )
    assert control.booted()
    assert not without(tmp_path, NONE_RUNS).booted()
    assert not Control(()).booted()


def test_where_https_listens(tmp_path: Path) -> None:
    assert saying(tmp_path, STATUS).listener() == "0.0.0.0:8089"
    plain = "".join(line for line in STATUS.splitlines(True) if "HTTPS" not in line)
    assert saying(tmp_path, plain).listener() is None
    assert saying(tmp_path, STATUS.replace("0.0.0.0:8089", "(null)")).listener() == NOT_BOUND
    # A word that is no address is none, rather than a port that crashes whoever connects to it.
    assert saying(tmp_path, STATUS.replace("0.0.0.0:8089", "something")).listener() is None


NONE_RUNS = "Unable to connect to remote asterisk (does /run/asterisk/asterisk.ctl exist?)"
NO_CONF = (
    "Unable to open specified master config file '/etc/asterisk/asterisk.conf',"
    " using built-in defaults"
)


def without(folder: Path, *output: str) -> Control:
    """A command that says ``said`` and fails, of an Asterisk whose / is ``folder``/root."""
    text = "\n".join(output)
    return replace(
        standing_in(folder, f'cat >&2 <<"end"\n{text}\nend\nexit 1'), root=folder / "root"
    )


@pytest.mark.parametrize("output", [(NONE_RUNS,), (NO_CONF, NONE_RUNS)])
def test_none_that_runs(output: tuple[str, ...], tmp_path: Path) -> None:
    found = without(tmp_path, *output)
    assert found.ask("core show version") is None
    assert found.directories() is None
    assert found.listener() is None


def test_none_at_all(tmp_path: Path) -> None:
    for command in ((str(tmp_path / "none"),), (), ("false",)):
        assert Control(command).ask("core show version") is None


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("echo 'Error response from daemon: No such container: pbx' >&2; exit 1", "No such container: pbx"),
        ("echo 'permission denied while trying to connect' >&2; exit 1", "permission denied while"),
        ("echo 'sudo: a password\nis required' >&2; exit 1", "a password is required"),
        ("kill -9 $$", "signal 9"),
    ],
)  # fmt: skip
def test_a_command_that_fails_is_no_stopped_asterisk(
    script: str, reason: str, tmp_path: Path
) -> None:
    with pytest.raises(CmpBundleError, match="cannot tell whether Asterisk runs") as caught:
        standing_in(tmp_path, script).ask("core show version")
    assert reason in caught.value.message
    assert "[asterisk] command" in (caught.value.hint or "")


def test_a_command_that_may_not_be_run(tmp_path: Path) -> None:
    with pytest.raises(CmpBundleError, match=r"[Pp]ermission denied"):
        Control((str(tmp_path),)).ask("core show version")


@needs_root
@pytest.mark.parametrize("closed", ["socket", "its folder", "asterisk.conf"])
def test_what_is_closed_to_this_user_is_no_stopped_asterisk(closed: str) -> None:
    """Asterisk says the same of a socket that is not there and of one that it may not open."""
    with open_folder() as folder:
        run, etc = folder / "root/run/asterisk", folder / "root/etc/asterisk"
        for each in (run, etc):
            each.mkdir(parents=True)
        found = without(folder, *([NO_CONF] if closed == "asterisk.conf" else []), NONE_RUNS)
        with as_nobody():
            assert found.ask("x") is None
        guilty = run / "asterisk.ctl"
        if closed == "asterisk.conf":
            guilty = etc / "asterisk.conf"
            guilty.touch(0o640)
        else:
            with socket.socket(socket.AF_UNIX) as listener:
                listener.bind(str(guilty))
            guilty.chmod(0o755)
        if closed == "its folder":
            run.chmod(0o750)
        with (
            as_nobody(),
            pytest.raises(CmpBundleError, match="cannot be opened by this user") as caught,
        ):
            found.ask("x")
        assert caught.value.file == str(guilty)
        assert "sudo" in (caught.value.hint or "")
        assert found.ask("x") is None, "root may, so it is down"


def test_bytes_that_are_no_text(tmp_path: Path) -> None:
    assert standing_in(tmp_path, r"printf 'a\377b'").ask("x") == "a\N{REPLACEMENT CHARACTER}b"


def test_one_that_does_not_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(control, "PATIENCE", 0.05)
    stuck = standing_in(tmp_path, "exec sleep 60")
    with pytest.raises(CmpBundleError, match="did not answer 'core show version'") as caught:
        stuck.ask("core show version")
    assert f"{tmp_path}/asterisk -C /etc/asterisk.conf -rx" in str(caught.value.hint)
