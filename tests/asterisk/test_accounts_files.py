"""Endpoints in generated pjsip.conf and pjsip_wizard.conf: what is read is what Asterisk has.

``CMP_BUNDLE_AGREE_PJSIP`` says how many cases each version is given, ``CMP_BUNDLE_AGREE_SEED``
which; a failure names the seed of its one case.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from cmp_bundle.accounts import browsers, endpoint, from_pjsip, from_wizard
from cmp_bundle.accounts.conf_source import ConfSource
from cmp_bundle.accounts.endpoint import Endpoints
from cmp_bundle.asterisk.conf_files import ConfFolder
from cmp_bundle.errors import CmpBundleError
from tests.asterisk import accounts_files, endpoints
from tests.testbed.ami import Ami
from tests.testbed.server import Asterisk

pytestmark = pytest.mark.asterisk

CASES = int(os.environ.get("CMP_BUNDLE_AGREE_PJSIP", "150"))
SEED = os.environ.get("CMP_BUNDLE_AGREE_SEED", "1")

#: Asterisk tells changed files by their time, in whole seconds, and their size.
_OLD = 1_500_000_000


@dataclass
class Bench:
    """One Asterisk, and ours looking at the same files."""

    pbx: Asterisk
    ami: Ami
    number: int = 0
    asked: int = 0

    def disagreements(self, seed: str) -> list[str]:
        """What the two make of the case of ``seed``, where it is not the same."""
        self.number += 1
        tag = f"n{self.number}"
        files, phones, wizards = accounts_files.files(
            seed, tag, digests=self.pbx.release.version != "16"
        )
        for name, data in files.items():
            path = self.pbx.etc / name
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(data)
            path.chmod(0o644)
            os.utime(path, (_OLD + self.number, _OLD + self.number))
        self.ami.command("module reload res_pjsip.so")
        wrong = []
        realm = endpoints.default_realm(self.ami)
        main = self._found("pjsip.conf")
        if main is not None and main.realm != realm:
            wrong.append(f"seed {seed} realm\nAsterisk: {realm}\nours: {main.realm}")
        cases = [("pjsip.conf", main, phones)]
        if main is not None:
            # Otherwise Asterisk keeps the realm that it had.
            cases.append(("pjsip_wizard.conf", self._found("pjsip_wizard.conf"), wizards))
        for file, found, names in cases:
            for name in names:
                theirs = endpoints.asked(self.ami, name, realm)
                ours = None if found is None else loaded(found, name)
                self.asked += theirs is not None and theirs.webrtc and bool(theirs.auths)
                if theirs != ours:
                    wrong.append(f"seed {seed} {file} {name}\nAsterisk: {theirs}\nours: {ours}")
        return wrong

    def _found(self, file: str) -> Endpoints | None:
        source = ConfSource(file, ConfFolder(self.pbx.etc, self.pbx.root), file)
        try:
            return source.endpoints()
        except CmpBundleError:
            return None


def loaded(found: Endpoints, name: str) -> endpoints.Told | None:
    """What ours says that Asterisk has, where an id that is there twice loses all of its kind."""
    twice = {
        kind for w in found.findings for kind in re.findall(r"objects of type=(\w+)", w.message)
    }
    if "endpoint" in twice:
        return None
    return endpoints.read(Endpoints(found.endpoints, {}) if "auth" in twice else found, name)


@pytest.fixture
def bench(pbx: Asterisk) -> Iterator[Bench]:
    with Ami(pbx.ports.ami, pbx.ami_secret) as ami:
        yield Bench(pbx, ami)


def test_generated_files(bench: Bench) -> None:
    for number in range(CASES):
        assert bench.disagreements(f"{SEED}-{number}")[:2] == []
    # Most of what was looked at could be somebody's phone.
    assert bench.asked > CASES * 5


def test_two_globals_are_none(pbx: Asterisk) -> None:
    text = "[global]\ntype=global\ndefault_realm=x\n[global]\ntype=global\ndefault_realm=y\n"
    (pbx.etc / "pjsip.conf").write_text(text)
    pbx.stop()
    pbx.start()
    source = ConfSource("pjsip.conf", ConfFolder(pbx.etc, pbx.root), "pjsip.conf")
    with Ami(pbx.ports.ami, pbx.ami_secret) as ami:
        assert endpoints.default_realm(ami) == source.endpoints().realm == endpoint.REALM


@pytest.mark.parametrize(
    "rule",
    [
        (from_pjsip, "REALM", "x"),
        (from_pjsip, "folded", str),
        (from_wizard, "_INBOUND", "-auth"),
        (from_wizard, "last", lambda options, name: next(iter(options), name)),
        (endpoint, "folded", str),
        (browsers, "is_true", lambda value: value == "yes"),
        (endpoint, "integer", lambda value, *_: int(value) if value.isdecimal() else None),
    ],
    ids=lambda rule: rule[0].__name__.rpartition(".")[2] + "." + rule[1],
)
def test_one_rule_off_is_noticed(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, rule: tuple[object, str, object]
) -> None:
    monkeypatch.setattr(*rule)
    assert any(bench.disagreements(f"{SEED}-{number}") for number in range(CASES))
