"""An Asterisk that answers its own command with anything or nothing: all questions have one end."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from cmp_bundle.asterisk import control
from cmp_bundle.commands import Context, doctor, examining
from cmp_bundle.commands.examination import Examination, whole
from cmp_bundle.findings import Level

pytestmark = pytest.mark.slow

#: Seconds for all answers, and what a machine that is busy with something else adds.
PATIENCE = 0.6
AND_MORE = 30.0

PHONES = 40

PJSIP = "".join(
    f"[p{n}]\ntype=endpoint\nwebrtc=yes\nallow=opus\naors=p{n}\n\n" for n in range(PHONES)
)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    made = tmp_path / "root"
    etc = made / "etc/asterisk"
    etc.mkdir(parents=True)
    (made / "usr/share/asterisk/static-http").mkdir(parents=True)
    (etc / "asterisk.conf").write_text("[directories]\n")
    (etc / "http.conf").write_text("[general]\nenabled=yes\n")
    (etc / "pjsip.conf").write_text(PJSIP)
    return made


def examined(root: Path, script: str) -> Examination:
    """With a program that does ``script`` in place of Asterisk's command."""
    program = root.parent / "asterisk"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    settings = {"asterisk.root": str(root), "asterisk.command": [str(program)]}
    (root.parent / "cmp-bundle.toml").write_text("")
    began = time.monotonic()
    found = doctor(Context.load(root.parent / "cmp-bundle.toml", settings))
    assert time.monotonic() - began < PATIENCE + AND_MORE
    assert "Traceback" not in whole(found)
    return found


def errors(found: Examination) -> list[str]:
    return [one.code for one in found.findings if one.level is Level.ERROR]


@pytest.fixture
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(examining, "_ANSWER", PATIENCE)
    monkeypatch.setattr(examining, "_ANSWERS", PATIENCE)


@pytest.fixture(autouse=True)
def _little(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(control, "LARGEST", 1 << 20)


SETTINGS = (
    r"printf '  Configuration directory: /etc/asterisk\n  Data directory: /usr/share/asterisk\n'"
)

SILENT = {
    "hangs": "exec sleep 60",
    "hangs in the middle": f"{SETTINGS}\nexec sleep 60",
    "answers byte by byte": "while :; do printf x; sleep 0.05; done",
    "leaves somebody behind": "sleep 60 &\necho done\nwait",
}


@pytest.mark.usefixtures("hurry")
@pytest.mark.parametrize("kind", SILENT)
def test_no_answer(kind: str, root: Path) -> None:
    found = examined(root, SILENT[kind])
    assert errors(found) == ["T101", "asterisk-silent"]
    assert not found.ok
    assert "did not answer 'core show settings' within 0.6 s" in found.findings[-1].message


NO_ANSWER = {
    "floods": ("yes word", "wrote more than"),
    "floods with complaints": ("yes word >&2", "wrote more than"),
    "complains": ("printf 'no\\033[2J\\0way' >&2; exit 3", "way"),
    "is killed": ("kill -9 $$", "signal 9"),
    "garbage": ("head -c 100000 /dev/urandom", "does not report"),
    "NULs": ("head -c 100000 /dev/zero", "does not report"),
    "nothing": ("true", "does not report"),
    "knows nothing": ("echo 'Permission denied'", "does not report"),
}


@pytest.mark.parametrize("kind", NO_ANSWER)
def test_an_answer_that_is_none(kind: str, root: Path) -> None:
    script, words = NO_ANSWER[kind]
    found = examined(root, script)
    assert errors(found) in (["T101", "asterisk-not-asked"], ["T101", "asterisk-silent"])
    assert words in found.findings[-1].message


def answering(root: Path, *others: str) -> str:
    """Says where its things are, and does ``others`` for every other question."""
    del root
    return "\n".join((f'case "$2" in "core show settings") {SETTINGS}; exit;; esac', *others))


GARBAGE = {
    "bytes": "head -c 200000 /dev/urandom",
    "NULs": "head -c 200000 /dev/zero",
    "escapes": "printf '\\033[2J\\033]0;root\\007\\233 : x\\n%.0s' $(seq 500)",
    "colons": "printf ' : : : : \\n%.0s' $(seq 5000)",
    "one long line": "head -c 900000 /dev/zero | tr '\\0' 'x'",
    "one long table": "seq -f ' Endpoint:  e%g  Unavailable  0 of inf' 20000",
    "deep includes": "printf \"[ Context 'default' ]\\n  Include =>  'default'\\n%.0s\" $(seq 2000)",
    "numbers": "printf 'Port start: 99999999999999999999\\nSystem uptime: 9%.0s\\n' $(seq 300)",
    "nothing": "true",
    "fails": "exit 1",
}


@pytest.mark.parametrize("kind", GARBAGE)
def test_garbage_for_all_else(kind: str, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is made of that, it comes to an end."""
    monkeypatch.setattr(examining, "_ANSWERS", 2.0)
    (root / "etc/asterisk/pjsip.conf").write_text(PJSIP[: len(PJSIP) // 10])
    found = examined(root, answering(root, GARBAGE[kind]))
    assert found.passed or found.findings or found.unknown
    assert len(whole(found)) < 1 << 20


def test_a_slow_one_is_not_asked_of_each_phone(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It answers what it is as a whole, and then has no time left."""
    monkeypatch.setattr(examining, "_ANSWER", 5.0)
    monkeypatch.setattr(examining, "_ANSWERS", 2.0)
    asked = root.parent / "asked"
    found = examined(
        root,
        answering(
            root, f'echo "$2" >> {asked}', 'case "$2" in *"show endpoint p"*) sleep 1;; esac'
        ),
    )
    said = asked.read_text().splitlines()
    assert 1 <= sum(line.startswith("pjsip show endpoint p") for line in said) < PHONES
    assert found.findings or found.unknown
