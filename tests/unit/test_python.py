"""The script in docs/python.md does what it says, and the API has what the page lists."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

import cmp_bundle.commands
from tests.unit.cli.people import desk

PAGE = Path(__file__).parents[2] / "docs/python.md"


@pytest.mark.slow
def test_ten_lines_build_and_deploy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    at = desk(tmp_path, monkeypatch, capsys)
    (script,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    assert len([line for line in script.splitlines() if line]) <= 10

    def run() -> str:
        command = [sys.executable, "-c", script]
        done = subprocess.run(command, cwd=at.folder, capture_output=True, text=True, check=False)
        return done.stdout + done.stderr

    said = run()
    release = at.json("releases")["releases"][0]["release"]
    assert said == f"{release.partition('-')[2]} is release {release}\n"
    assert run() == ""
    (at.root / "etc/asterisk/http.conf").write_text("[general]\n")
    assert run().startswith("T101: ")


def test_the_page_lists_what_there_is() -> None:
    table = PAGE.read_text().split("| about |")[1].split("## JSON")[0]
    listed = set(re.findall(r"`(\w+)`", table))
    assert listed == set(cmp_bundle.commands.__all__) - {"Context"}
    for name in cmp_bundle.commands.__all__:
        assert getattr(cmp_bundle.commands, name).__doc__, name
