"""A server that ``cmp-bundle provision`` has set up for two phones."""

from __future__ import annotations

import pytest

from tests.conftest import Cmp
from tests.testbed import roots
from tests.testbed.server import Asterisk

from .fault import Server


def provisioned(version: str, folders: pytest.TempPathFactory) -> Server:
    """A running one with the configuration of its packages, and the accounts alice and bob."""
    work = folders.mktemp(f"doctor-{version}")
    pbx = Asterisk.prepare(roots.RELEASES[version], as_packaged=True)
    pbx.start()
    cmp = Cmp(work)
    cmp.aim(pbx)
    cmp.environment["CMP_BUNDLE_STATE"] = str(folders.mktemp("state"))
    cmp("init")
    for number, name in enumerate(("alice", "bob"), 101):
        cmp("accounts", "add", name, "--extension", str(number))
    cmp("provision", "--restart")
    made = Server(pbx, work)
    made.remember()
    return made
