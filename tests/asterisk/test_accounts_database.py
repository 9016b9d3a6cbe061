"""Thousands of accounts in real databases: what is imported is what Asterisk itself reports.

``CMP_BUNDLE_AGREE_ACCOUNTS`` says how many, and ``CMP_BUNDLE_AGREE_SEED`` which.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable

import pytest

from cmp_bundle.accounts import caller_id, endpoint, from_database, import_plan, sip_id
from cmp_bundle.accounts.endpoint import REALM, Endpoints
from cmp_bundle.places import Row
from tests.asterisk import endpoints, realtime_pbx
from tests.asterisk.accounts_rows import Rows, rows
from tests.asterisk.endpoints import Told
from tests.conftest import SIXTEEN_IN_SOAK
from tests.testbed.ami import Ami
from tests.testbed.databases import Realtime
from tests.testbed.server import Asterisk

pytestmark = pytest.mark.asterisk

ACCOUNTS = int(os.environ.get("CMP_BUNDLE_AGREE_ACCOUNTS", "10000"))
SEED = os.environ.get("CMP_BUNDLE_AGREE_SEED", "1")


def told(pbx: Asterisk, held: Rows) -> dict[str, Told | None]:
    """What Asterisk says of every endpoint that an account could be made of.

    Others are looked for by other names than their own: ODBC's driver encodes some signs.
    """
    names = [row["id"] for row in held["ps_endpoints"] if not sip_id.problem(row["id"])]
    with Ami(pbx.ports.ami, pbx.ami_secret) as ami:
        return {name: endpoints.asked(ami, name) for name in names}


def disagreements(found: Endpoints, theirs: dict[str, Told | None]) -> list[str]:
    """Endpoints of which the two say different things, both shown."""
    return [
        f"{name}\nAsterisk: {said}\nimport:   {endpoints.read(found, name)}"
        for name, said in theirs.items()
        if said != endpoints.read(found, name) and not unclear(found, name)
    ]


def unclear(found: Endpoints, name: str) -> bool:
    """Whether the import refuses an auth because what Asterisk holds is a matter of chance."""
    auths = [found.auths[each] for each in found.endpoints[name].auths if each in found.auths]
    return any("contains a ^" in auth.unusable for auth in auths)


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("driver", realtime_pbx.DRIVERS)
# It takes a minute for each ten thousand.
@pytest.mark.parametrize(
    "share", [pytest.param(10, id="tenth"), pytest.param(1, id="all", marks=pytest.mark.soak)]
)
def test_import_is_what_asterisk_reports(
    prepared: Asterisk, driver: str, share: int, database: Callable[[str], Realtime]
) -> None:
    version = prepared.release.version
    count = ACCOUNTS // share
    held = rows(f"{SEED}-{version}-{driver}", count, digests=version != "16")
    source = realtime_pbx.serve(prepared, driver, database, held)
    found = source.endpoints()
    assert len(found.endpoints) == count
    theirs = told(prepared, held)
    assert disagreements(found, theirs)[:3] == []

    offer = import_plan.candidates(source, found, realm=REALM)
    accounts = {account.id: account for account in offer.accounts}
    usable = {name for name, said in theirs.items() if said and said.webrtc and said.auths}
    taken = {name for name in accounts if not unclear(found, name)}
    assert taken == {name for name in usable if not unclear(found, name)}
    for name in taken:
        said = theirs[name]
        assert said is not None
        assert endpoints.offered(accounts[name]) in [(user, ha1) for _, user, ha1 in said.auths]
    assert len(taken) > count * 3 // 4
    # What cannot be an account is said, and why, but never with a password.
    assert {w.place.id for w in offer.findings if isinstance(w.place, Row)} >= {
        name for name, said in theirs.items() if said and said.webrtc and not said.auths
    }
    messages = "\n".join(map(str, offer.findings))
    for row in held["ps_auths"]:
        if len(row["password"] or "") > 7:
            assert row["password"] not in messages


@SIXTEEN_IN_SOAK
@pytest.mark.parametrize(
    ("driver", "rule"),
    [
        ("odbc-mariadb", (from_database, "_decoded", str)),
        ("odbc-mariadb", (from_database, "BLANKS", "!")),
        ("odbc-postgresql", (from_database, "_UNCLEAR", {})),
        ("sqlite3", (from_database, "_UNCLEAR", {"sqlite": re.compile(r"\^\Z")})),
        ("sqlite3", (endpoint, "DIGESTS", {"md5": 3})),
        ("sqlite3", (caller_id, "_LONGEST", 80)),
    ],
    ids=lambda value: value if isinstance(value, str) else value[1],
)
def test_one_rule_off_is_noticed(
    prepared: Asterisk,
    database: Callable[[str], Realtime],
    monkeypatch: pytest.MonkeyPatch,
    driver: str,
    rule: tuple[object, str, object],
) -> None:
    version = prepared.release.version
    held = rows(f"{SEED}-{version}", 1000, digests=version != "16")
    source = realtime_pbx.serve(prepared, driver, database, held)
    theirs = told(prepared, held)
    assert disagreements(source.endpoints(), theirs) == []
    monkeypatch.setattr(*rule)
    assert disagreements(source.endpoints(), theirs)
