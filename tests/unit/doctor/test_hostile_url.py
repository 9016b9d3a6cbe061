"""``cmp-bundle doctor --url`` on a laptop, and servers that mean no good: a right sentence, and an end."""

from __future__ import annotations

import contextlib
import json
import os
import re
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cmp_bundle.checks import call, line, sip_client, websocket
from cmp_bundle.cli import app
from cmp_bundle.doctor import calls, reach
from tests.unit.tls.made import a_leaf, an_authority

from . import ends
from .ends import after_a_request, drips, end, opens, pours, says

pytestmark = pytest.mark.slow

#: What no terminal shall be told, but the ends of lines.
COMMANDS = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]")

HEAD = b"HTTP/1.1 200 OK\r\n"
LOOP = after_a_request(says(b"HTTP/1.1 302 Found\r\nLocation: /cmp2k\r\nContent-Length: 0\r\n\r\n"))
ESCAPES = b"HTTP/1.1 302 \x1b[2J\r\nServer: \x1b]0;x\x07\r\nLocation: /\x1b[31m\x9b2J\r\n\r\n"

#: What answers, whether over TLS, the code of the first error, and its words.
Kind = tuple[ends.Act | None, bool, str, str]
KINDS: dict[str, Kind] = {
    "drops what comes": (None, False, "port-silent", "no answer within"),
    "takes the connection": (ends.silent, False, "tls-failed", "no answer within"),
    "hangs up": (ends.hangs_up, False, "tls-failed", ""),
    "garbage": (pours(b"\0\x1b[2J\xff" * 1000), False, "tls-failed", ""),
    "a hello byte by byte": (
        drips(b"\x16\x03\x03\x00\x4a" + bytes(64)),
        False,
        "tls-failed",
        "no answer",
    ),
    "silence": (ends.silent, True, "page-failed", "no answer within"),
    "hangs up after the request": (after_a_request(ends.hangs_up), True, "", "without an answer"),
    "a head byte by byte": (
        after_a_request(drips(b"X: x\r\n", HEAD)),
        True,
        "",
        "no answer within",
    ),
    "a head without end": (after_a_request(pours(b"X: x\r\n" * 99, HEAD)), True, "", "answers 200"),
    "NULs": (after_a_request(says(b"\0" * 100_000)), True, "", "no HTTP"),
    "to itself": (LOOP, True, "", "302"),
    "terminal escapes": (after_a_request(says(ESCAPES)), True, "", "302"),
    "a WebSocket that is silent": (
        opens(ends.silent),
        True,
        "line-failed",
        "did not answer|so slowly",
    ),
    "a WebSocket that is noise": (
        opens(pours(bytes(range(256)))),
        True,
        "line-failed",
        "the server",
    ),
    "pings": (opens(pours(b"\x89\x00" * 1000)), True, "line-failed", "the server"),
}


@pytest.fixture(scope="module")
def laptop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an account, and an authority that browsers there are told to trust."""
    made = tmp_path_factory.mktemp("laptop")
    an_authority(made)
    (made / "nowhere").mkdir()
    (made / "accounts.toml").write_text(
        '[[account]]\nid = "alice"\nextension = "101"\npassword = "wonder1and"\n'
    )
    (made / "accounts.toml").chmod(0o600)
    (made / "cmp-bundle.toml").write_text(
        f'[asterisk]\nroot = "{made}/nowhere"\ncommand = ["false"]\n'
    )
    return made


@pytest.fixture(scope="module")
def context(laptop: Path, tmp_path_factory: pytest.TempPathFactory) -> ssl.SSLContext:
    """That of a server whose certificate is trusted there."""
    pem = tmp_path_factory.mktemp("pem") / "both.pem"
    pem.write_bytes(a_leaf(an_authority(laptop), "127.0.0.1").pem)
    return ends.showing(pem)


@contextlib.contextmanager
def running(kind: Kind, context: ssl.SSLContext) -> Iterator[str]:
    """The address of one of that kind."""
    act, secure, *_ = kind
    with ends.full() if act is None else end(act, context if secure else None) as port:
        yield f"https://127.0.0.1:{port}/cmp2k"


@pytest.fixture
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reach, "PATIENCE", 0.6)
    monkeypatch.setattr(reach, "_STEP", 0.3)
    monkeypatch.setattr(reach, "_LEAST", 0.2)
    for module in (reach, websocket, line):
        monkeypatch.setattr(module, "_GOODBYE", 0.1)
    monkeypatch.setattr(calls, "PATIENCE", 1.0)
    monkeypatch.setattr(call, "_LEAST", 0.1)
    monkeypatch.setattr(sip_client, "ANSWER", 1.0)


def judged(kind: Kind, code: int, said: str, found: dict[str, Any]) -> None:
    errors = [one for one in found["findings"] if one["level"] == "error"]
    assert code == app.MISTAKE
    assert errors, found
    first = errors[0]
    assert kind[2] in ("", first["code"]), errors
    words = " ".join(f"{one['message']} {one['seen'] or ''}" for one in errors)
    assert re.search(kind[3], words), words
    assert all(one["fix"] for one in errors)
    assert not COMMANDS.search(said.replace("\n", ""))
    assert first["message"] in said
    assert "Traceback" not in said
    assert len(said) < 10_000


@pytest.mark.usefixtures("hurry")
@pytest.mark.parametrize("name", KINDS)
def test_a_right_sentence(
    name: str,
    laptop: Path,
    context: ssl.SSLContext,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(laptop)
    with running(KINDS[name], context) as url:
        code = app.run(["doctor", "--url", url])
        said = "".join(capsys.readouterr())
        app.run(["doctor", "--url", url, "--json"])
        found = json.loads(capsys.readouterr().out)
    judged(KINDS[name], code, said, found)


#: Kilobytes that Python with all that is imported takes, and some more.
MOST_MEMORY = 250_000


@pytest.mark.soak
@pytest.mark.parametrize("name", KINDS)
def test_with_the_patience_that_there_is(name: str, laptop: Path, context: ssl.SSLContext) -> None:
    with running(KINDS[name], context) as url:
        began = time.monotonic()
        program = [sys.executable, "-m", "cmp_bundle", "doctor", "--url", url]
        with subprocess.Popen(
            program, cwd=laptop, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        ) as doctor:
            assert doctor.stdout is not None
            said = doctor.stdout.read()
            _, status, used = os.wait4(doctor.pid, 0)
            doctor.returncode = os.waitstatus_to_exitcode(status)
        took = time.monotonic() - began
    assert took < 60
    assert used.ru_maxrss < MOST_MEMORY
    assert doctor.returncode == app.MISTAKE
    assert re.search(KINDS[name][3], said), said
    assert not COMMANDS.search(said.replace("\n", ""))
    assert "Traceback" not in said


BAD = ["pbx.example:8089", "ftp://pbx.example", "https://", "https://pbx:99999/", "https://a@pbx/",
       "https://a..b/", "https://[::/", "https://pbx/a b", "https://\x1b[2J/"]  # fmt: skip


@pytest.mark.parametrize("url", BAD)
def test_an_address_that_is_none(
    url: str, laptop: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(laptop)
    assert app.run(["doctor", "--url", url]) != app.BUG
    said = capsys.readouterr().err
    assert "is no address of a phone" in said
    assert not COMMANDS.search(said.replace("\n", ""))
