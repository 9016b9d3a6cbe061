"""The command that lists the fixes, and the flag that leaves some out."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cmp_bundle.bundle.client import fixes
from cmp_bundle.cli import app
from cmp_bundle.cli.app import DONE, MISTAKE


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_all_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert app.run(["fixes"]) == DONE
    shown = " ".join(capsys.readouterr().out.split())
    for fix in fixes():
        assert f"{fix.id} {fix.name} {fix.reason}" in shown
        assert fix.instead in shown


def test_what_is_left_out_comes_from_the_flag_the_file_or_the_environment(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def left_out(*arguments: str) -> set[str]:
        assert app.run(["fixes", "--json", *arguments]) == DONE
        listed = json.loads(capsys.readouterr().out)["fixes"]
        return {fix["id"] for fix in listed if fix["left_out"]}

    assert left_out() == set()
    assert left_out("--without", "D13", "--without", "d1") == {"D13", "D1"}
    Path("cmp-bundle.toml").write_text('[build]\nwithout = ["D2"]\n')
    assert left_out() == {"D2"}
    monkeypatch.setenv("CMP_BUNDLE_BUILD_WITHOUT", "D3 D4")
    assert left_out() == {"D3", "D4"}


def test_one_that_there_is_not(capsys: pytest.CaptureFixture[str]) -> None:
    for command in (["fixes"], ["build", "--source", "builtin"]):
        assert app.run([*command, "--without", "D131"]) == MISTAKE
        assert "the fix D131 does not exist; did you mean D13?" in capsys.readouterr().err
    Path("cmp-bundle.toml").write_text('[build]\nout = "x"\nwithout = ["D131"]\n')
    assert app.run(["build", "--source", "builtin"]) == MISTAKE
    assert "cmp-bundle.toml:3: the fix D131 does not exist" in capsys.readouterr().err
