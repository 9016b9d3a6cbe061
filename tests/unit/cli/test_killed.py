"""``kill -9`` before every step of every command that gives out passwords or links."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from cmp_bundle.cli.app import DONE, MISTAKE
from tests.unit.programs import needed

from .killed import ACTIONS, RECOVERIES


def told(program: str, *words: str) -> list[dict[str, Any]]:
    command = [sys.executable, "-m", f"tests.unit.cli.{program}", *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def rows(action: str, recovery: str, how: str, folder: Path, *more: str) -> list[dict[str, Any]]:
    return told("killed", action, recovery, str(folder), how, *more)


def judge(row: dict[str, Any], action: str) -> None:
    # The file of accounts, Asterisk's file, its database, the profiles and the key agree.
    assert row["disagree"] is None, row
    assert row["left"] == row["left at last"] == [], row
    assert (row["dry"], row["looked"]) == (DONE, True), "a dry run changes nothing"
    # All old or all new, by each account that was meant and that the recovery left alone.
    changed = "passwords" if action.startswith("rotate") else "links"
    whose = {"rotate own": "olive", "renew": "olive", "rotate conf": "alice", "rotate row": "dora"}
    meant = {whose[action]} if action in whose else {"olive", "alice", "dora"}
    assert len({new for name, new in row[changed].items() if name in meant}) <= 1, row
    if row["recovery"] != "same":
        assert not any(new for name, new in row[changed].items() if name not in meant), row
    assert not any(row["links" if changed == "passwords" else "passwords"].values()) or (
        row["recovery"] == "same"
    ), row
    # Said in one sentence, once, by whichever run did it.
    sentences = [text.count("was cut off") for text in row["said"]]
    assert sentences[-1] <= 1, row
    if row["journal"]:
        assert sum(sentences) >= 1, row
    elif not row["kills"]:
        assert sum(sentences) == 0, row
    # A bundle with passwords that were never live, or are no more, is refused and never silent.
    if row["recovery"] == "deploy" and row["code"] == MISTAKE:
        assert "cmp-bundle build" in row["said"][-1], row
    elif row["recovery"] == "rollback" and row["code"] == MISTAKE:
        # The one before had been done, and from there it goes no further back.
        for words in ("the rollback before was cut off when it was done", "no release before"):
            assert words in row["said"][-1], row
    else:
        assert row["code"] == DONE, row
    assert row["then"] is None, row
    if row["deploy"] == MISTAKE:
        assert "cmp-bundle build" in row["deploy said"], row
        assert (row["at last"], row["in the end"]) == (DONE, None), row
    else:
        assert row["deploy"] == DONE, row


@pytest.mark.slow
def test_all_passwords(tmp_path: Path) -> None:
    """Those in the file of accounts, in pjsip.conf and in a database, at once."""
    found = rows("rotate all", "any", "telling", tmp_path)
    assert len(found) > 10, "so few steps? then they are not all announced"
    for row in found:
        judge(row, "rotate all")
    steps = " ".join(row["step"] for row in found)
    assert all(name in steps for name in ("accounts.toml", "pjsip.conf", "rows", "reload", "dist"))
    # Both ends are met: cut off early it is undone, cut off late it stays.
    assert {row["passwords"]["olive"] for row in found if row["recovery"] != "same"} == {
        True,
        False,
    }


@pytest.mark.slow
@pytest.mark.parametrize("action", ["rotate row", "renew", "key rotate", "key restore"])
def test_each_command(action: str, tmp_path: Path) -> None:
    found = rows(action, "any", "telling", tmp_path)
    assert len(found) > 8
    for row in found:
        judge(row, action)


@pytest.mark.slow
@pytest.mark.parametrize("action", ["trust", "untrust"])
def test_who_believes_the_authority(action: str, tmp_path: Path) -> None:
    """A store is told or not; what was done to those before it stays, as it was said."""
    for program in ("certutil", "update-ca-certificates"):
        needed(program)
    found = told("killed_trust", action, str(tmp_path))
    wanted = action == "trust"
    for row in found:
        assert row["left"] == [], row
        assert row["said"].count("was cut off") == row["journal"], row
        believe = row["believe"]
        assert believe == sorted(believe, reverse=wanted), row
        assert (row["code"], row["then"]) == (DONE, [wanted] * 3), row
    assert {sum(row["believe"]) for row in found} == {0, 1, 2, 3}


@pytest.mark.soak
@pytest.mark.parametrize("recovery", RECOVERIES)
@pytest.mark.parametrize("action", ACTIONS)
def test_each_step_with_each_recovery_killed_too(
    action: str, recovery: str, tmp_path: Path
) -> None:
    found = rows(action, recovery, "again", tmp_path)
    assert sum(row["kills"] for row in found) > len(found)
    for row in found:
        judge(row, action)
