"""What a dry run shows: all changes, and no password."""

from __future__ import annotations

from pathlib import Path

from cmp_bundle.changes.described import changed_paths

from .servers import ALICE, BOB, packaged


def test_no_password_is_shown(tmp_path: Path) -> None:
    planned = packaged(tmp_path).to_provision()
    shown = "\n".join(c.diff or "" for c in changed_paths(planned.steps))
    assert "+username = alice" in shown
    assert "+password = …" in shown
    assert "+md5_cred = …" in shown
    assert "wonder" not in shown
    assert ALICE.password not in shown
    assert BOB.ha1 not in shown
