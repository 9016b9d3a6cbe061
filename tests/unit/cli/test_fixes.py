"""The command that lists the fixes, and the flag that leaves some out."""

from __future__ import annotations

from pathlib import Path

import pytest

from cmp_bundle.bundle.client import fixes
from cmp_bundle.cli.app import DONE

from .people import Typist


def test_all_are_listed(here: Typist) -> None:
    done = here.run("fixes")
    assert done.code == DONE
    words = " ".join(done.out.split())
    for fix in fixes():
        assert f"{fix.id} {fix.name} {fix.reason}" in words
        assert fix.instead in words


def test_what_is_left_out_comes_from_the_flag_the_file_or_the_environment(
    here: Typist, monkeypatch: pytest.MonkeyPatch
) -> None:
    def left_out(*arguments: str) -> set[str]:
        return {fix["id"] for fix in here.json("fixes", *arguments)["fixes"] if fix["left_out"]}

    assert left_out() == set()
    assert left_out("--without", "D13", "--without", "d1") == {"D13", "D1"}
    Path("cmp-bundle.toml").write_text('[build]\nwithout = ["D2"]\n')
    assert left_out() == {"D2"}
    monkeypatch.setenv("CMP_BUNDLE_BUILD_WITHOUT", "D3 D4")
    assert left_out() == {"D3", "D4"}


def test_one_that_there_is_not(here: Typist) -> None:
    for command in (["fixes"], ["build", "--source", "builtin"]):
        error = here.refused(*command, "--without", "D131")
        assert "the fix D131 does not exist; did you mean D13?" in error
    Path("cmp-bundle.toml").write_text('[build]\nout = "x"\nwithout = ["D131"]\n')
    error = here.refused("build", "--source", "builtin")
    assert "cmp-bundle.toml:3: the fix D131 does not exist" in error
