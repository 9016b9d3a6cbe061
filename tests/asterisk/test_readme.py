"""README's sessions, carried out: every command works, and prints what stands there.

Paths, ids, times and sizes are this machine's own; the words are compared.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.conftest import Cmp
from tests.testbed.server import Asterisk

README = Path(__file__).parents[2] / "README.md"

pytestmark = [pytest.mark.asterisk, pytest.mark.upstream]


def session() -> list[tuple[str, list[str]]]:
    """The commands of README's first session, each with the lines that it prints."""
    block = README.read_text().split("```console\n")[1].split("```")[0]
    said: list[tuple[str, list[str]]] = []
    for line in block.splitlines():
        if line.startswith("$ "):
            said.append((line.removeprefix("$ "), []))
        else:
            said[-1][1].append(line)
    return said


def pattern(line: str) -> str:
    """What ``line`` looks like on any machine."""
    words = []
    for word in line.split():
        open_, close = "(" * word.startswith("("), ")" * word.endswith(")")
        if word.strip("()").startswith("/") and word != "/cmp2k":
            words.append(re.escape(open_) + r"/\S+" + re.escape(close))
        elif "pbx.example.com" in word:
            words.append(r".+")
        else:
            named = re.sub(r"[0-9a-f]{12}|[0-9][0-9.:T]*", "0", word)
            words.append(re.escape(named).replace("0", r"[0-9a-f.:T]+"))
    return r"\s+".join(words)


@pytest.mark.parametrize("asterisk_release", ["22"], indirect=True)
def test_the_first_session(
    packaged: Asterisk, cmp: Cmp, upstream_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CMP_BUNDLE_CACHE", str(upstream_cache))
    cmp.aim(packaged)
    for command, expected in session():
        printed = ""
        for part in command.split(" && "):
            program, *arguments = part.removeprefix("sudo ").split()
            assert program == "cmp-bundle"
            done = cmp.run(*arguments)
            assert done.returncode == 0, done.stderr
            printed += done.stdout
        whole = "\n".join(map(pattern, expected)) + "\n"
        assert re.fullmatch(whole, printed), f"$ {command}\n{printed}\n{whole}"
