"""Other profiles under the same release."""

from __future__ import annotations

from pathlib import Path

import pytest

from cmp_bundle.deploy.plan import to_update_profiles
from cmp_bundle.errors import CmpBundleError

from .trees import Server, bundle, tree, with_profiles


def profiles(server: Server) -> dict[str, bytes]:
    return {p.name: p.read_bytes() for p in server.found().site.profiles.glob("*")}


@pytest.mark.slow
def test_profiles_are_replaced_as_a_whole_and_nothing_else_is(tmp_path: Path) -> None:
    server = Server(tree(tmp_path))
    server.deploy(with_profiles(bundle(), {"a.bin": b"1", "b.bin": b"2"}))
    before = server.found()
    server.reseal({"a.bin": b"3"})
    after = server.found()
    assert profiles(server) == {"a.bin": b"3"}
    assert (after.current, after.version, after.ours) == (
        before.current,
        before.version,
        before.ours,
    )
    sets = before.site.hidden / "profiles"
    assert len(list(sets.iterdir())) == 1, "the old ones are thrown away"
    assert to_update_profiles(after, {"a.bin": b"3"}).steps == ()
    server.reseal({})
    assert profiles(server) == {}


def test_there_has_to_be_a_release(tmp_path: Path) -> None:
    server = Server(tree(tmp_path))
    with pytest.raises(CmpBundleError, match="nothing is deployed here"):
        to_update_profiles(server.found(), {})
