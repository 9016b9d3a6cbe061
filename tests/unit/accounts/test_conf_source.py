"""pjsip.conf and pjsip_wizard.conf as sources, and one password changed in them."""

from __future__ import annotations

from pathlib import Path

import pytest

from cmp_bundle.accounts import endpoint
from cmp_bundle.accounts.conf_source import ConfSource
from cmp_bundle.accounts.endpoint import Endpoints
from cmp_bundle.accounts.filled import at_source as account
from cmp_bundle.accounts.filled import filled as filled_in
from cmp_bundle.accounts.model import Account
from cmp_bundle.accounts.open_source import Sources
from cmp_bundle.accounts.password_change import planned
from cmp_bundle.asterisk.conf_files import ConfFolder
from cmp_bundle.errors import CmpBundleError, FindingsError
from cmp_bundle.places import Place
from tests.asterisk import accounts_files
from tests.unit.changes import carried

PHONES = """\
[global]
type=global
default_realm=pbx.example.com

[web](!) ; for browsers
type=endpoint
webrtc=yes
max_video_streams=4

[alice](web)
callerid="Alice" <1>
auth=alice
[alice]
type = auth
username = alice
password = wonder1and   ; do not tell

#include phones/*.conf
[shared](!)
type=auth
password=for-all

[carol](web)
auth=carol
[carol](shared)
username=carol
[dave](web)
auth=dave
[dave](shared)
username=dave
"""
BOB = "[bob](web)\r\nauth=bob-auth\r\n[bob-auth]\r\ntype=auth\r\nusername=bob\r\npassword => bui1der\r\n"


def source(folder: Path, file: str = "pjsip.conf", **files: str) -> ConfSource:
    for name, text in files.items():
        path = folder / name.replace("__", "/").replace("_conf", ".conf")
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(text.encode("utf-8", "surrogateescape"))
    return ConfSource(file, ConfFolder(folder), file)


@pytest.fixture
def phones(tmp_path: Path) -> ConfSource:
    return source(tmp_path, pjsip_conf=PHONES, phones__bob_conf=BOB)


def test_templates_and_includes_are_filled_in(phones: ConfSource, tmp_path: Path) -> None:
    found = phones.endpoints()
    assert list(found.endpoints) == ["alice", "bob", "carol", "dave"]
    assert found.realm == "pbx.example.com"
    assert found.findings == ()
    bob = account(phones, found, "bob")
    assert bob.place == Place(str(tmp_path / "phones/bob.conf"), 1)
    assert bob.secret == Place(str(tmp_path / "phones/bob.conf"), 6)  # type: ignore[union-attr]


def test_a_new_password_changes_its_line_alone(phones: ConfSource, tmp_path: Path) -> None:
    renewal = planned(phones, {"alice": "fresh", "bob": "other"})
    assert (tmp_path / "pjsip.conf").read_bytes() == PHONES.encode()
    carried.carry_out(renewal.steps)
    assert (tmp_path / "pjsip.conf").read_text() == PHONES.replace(
        "password = wonder1and   ; do not tell", "password = fresh   ; do not tell"
    )
    assert (tmp_path / "phones/bob.conf").read_bytes() == BOB.replace("bui1der", "other").encode()
    assert [(a.id, a.password) for a in renewal.accounts] == [("alice", "fresh"), ("bob", "other")]
    carried.undo(renewal.steps)
    assert (tmp_path / "pjsip.conf").read_bytes() == PHONES.encode()
    assert (tmp_path / "phones/bob.conf").read_bytes() == BOB.encode()


def test_a_line_that_others_share_is_left_alone(phones: ConfSource, tmp_path: Path) -> None:
    with pytest.raises(FindingsError) as caught:
        planned(phones, {"alice": "fresh", "carol": "x", "nobody": "y"})
    message = str(caught.value)
    assert "[carol], [dave] share this line" in message
    assert f"{tmp_path}/pjsip.conf:21" in message
    assert "pjsip.conf has no endpoint 'nobody'" in message
    assert "for-all" not in message
    assert (tmp_path / "pjsip.conf").read_bytes() == PHONES.encode()


@pytest.mark.parametrize(
    ("auth", "message"),
    [
        ("password=x\n[other]\ntype=endpoint\nauth=a\n", "a shares the auth 'a' with other"),
        ("password=x\n[reg]\ntype=registration\noutbound_auth=a\n", "shares the auth 'a' with reg"),
        (f"password=x\nmd5_cred={'0' * 32}\n", "contains a password and a digest"),
        (f"password_digest=MD5:{'0' * 32}\n", "contains more than its digest in password_digest"),
        ("password=x\npassword+=y\n", "this value comes from more than one line"),
        ("password=x;-- a comment --;y\n", "this value comes from more than one line"),
    ],
)
def test_passwords_that_cannot_be_changed_alone(tmp_path: Path, auth: str, message: str) -> None:
    text = f"[a]\ntype=endpoint\nwebrtc=yes\nauth=a\n[a]\ntype=auth\nusername=a\n{auth}"
    one = source(tmp_path, pjsip_conf=text)
    with pytest.raises(FindingsError, match=message):
        planned(one, {"a": "fresh"})
    assert (tmp_path / "pjsip.conf").read_text() == text


def test_a_digest_is_changed_to_another(tmp_path: Path) -> None:
    text = (
        "[a]\ntype=endpoint\nwebrtc=yes\nauth=a\n"
        f"[a]\ntype=auth\nauth_type=md5\nusername=a\nmd5_cred={'0' * 32}\n"
    )
    one = source(tmp_path, pjsip_conf=text)
    carried.carry_out(planned(one, {"a": "fresh"}).steps)
    result = account(one, one.endpoints(), "a")
    expected = endpoint.digest(endpoint.Auth("a", "a", "fresh"), "asterisk")
    assert result.ha1 == expected  # type: ignore[union-attr]


def test_a_wizard_takes_its_transports_from_beside(tmp_path: Path) -> None:
    one = source(
        tmp_path,
        "pjsip_wizard.conf",
        pjsip_conf="[t]\ntype=transport\nprotocol=wss\n[global]\ntype=global\ndefault_realm=r\n",
        pjsip_wizard_conf="[w]\ntype=wizard\naccepts_auth=yes\nendpoint/webrtc=yes\ntransport=t\n"
        "inbound_auth/username=w\ninbound_auth/password=x\n",
    )
    found = one.endpoints()
    assert (found.transports, found.realm) == ({"t": "wss"}, "r")
    carried.carry_out(planned(one, {"w": "fresh"}).steps)
    assert "inbound_auth/password=fresh\n" in (tmp_path / "pjsip_wizard.conf").read_text()


def test_an_auth_of_both_files_is_not_changed(tmp_path: Path) -> None:
    files = {
        "pjsip_conf": "[a]\ntype=endpoint\nwebrtc=yes\nauth=a\n"
        "[a]\ntype=auth\nusername=a\npassword=x\n[b]\ntype=auth\nusername=b\npassword=y\n",
        "pjsip_wizard_conf": "[w]\ntype=wizard\nendpoint/webrtc=yes\nendpoint/auth=a\n"
        "[v]\ntype=wizard\nendpoint/webrtc=yes\nendpoint/auth=b\n",
    }
    main = source(tmp_path, **files)
    with pytest.raises(FindingsError, match="a shares the auth 'a' with w"):
        planned(main, {"a": "fresh"})
    wizard = source(tmp_path, "pjsip_wizard.conf")
    with pytest.raises(FindingsError, match="w shares the auth 'a' with a"):
        planned(wizard, {"w": "fresh"})
    with pytest.raises(FindingsError, match="the auth of v is in another file") as caught:
        planned(wizard, {"v": "fresh"})
    assert str(caught.value.finding.place) == f"{tmp_path}/pjsip.conf:12"
    assert (tmp_path / "pjsip.conf").read_text() == files["pjsip_conf"]


def test_what_makes_asterisk_refuse_all_is_said(tmp_path: Path) -> None:
    one = source(tmp_path, pjsip_conf="[a](nowhere)\ntype=endpoint\n")
    with pytest.raises(CmpBundleError) as caught:
        one.endpoints()
    assert (caught.value.file, caught.value.line) == (str(tmp_path / "pjsip.conf"), 1)
    with pytest.raises(CmpBundleError, match="does not exist"):
        ConfSource("x", ConfFolder(tmp_path), "x.conf").endpoints()


def test_two_of_one_id_are_told(tmp_path: Path) -> None:
    text = "[a]\ntype=endpoint\n[a]\ntype=endpoint\n"
    (wrong,) = source(tmp_path, pjsip_conf=text).endpoints().findings
    assert "two objects of type=endpoint are named [a]: Asterisk loads no endpoint" in str(wrong)


def test_sources_are_opened_by_name(phones: ConfSource, tmp_path: Path) -> None:
    opener = Sources(tmp_path, ConfFolder(tmp_path))
    assert list(opener.source("pjsip.conf").endpoints().endpoints) == list(
        phones.endpoints().endpoints
    )
    assert list(opener.source("./pjsip.conf").endpoints().endpoints) == list(
        phones.endpoints().endpoints
    )
    with pytest.raises(CmpBundleError, match="no Asterisk was found"):
        Sources(tmp_path).source("pjsip.conf")
    assert "secret" not in repr(Sources(tmp_path, None, "secret"))


@pytest.mark.usefixtures("phones")
def test_accounts_get_what_their_sources_hold_now(tmp_path: Path) -> None:
    opener = Sources(tmp_path, ConfFolder(tmp_path))
    zed = Account("zed", password="x")
    rows = [zed, Account("alice", display_name="A.", extension="1", dial="2", source="pjsip.conf")]
    first, second = filled_in(rows, opener)
    assert first is zed
    assert (second.password, second.realm) == ("wonder1and", "pbx.example.com")
    assert (second.display_name, second.extension, second.dial) == ("A.", "1", "2")
    with pytest.raises(FindingsError) as caught:
        filled_in([Account("gone", source="pjsip.conf", place=Place("accounts.toml", 4))], opener)
    assert str(caught.value.finding.place) == "accounts.toml:4"
    assert "cmp-bundle accounts remove gone" in str(caught.value.hint)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(40))
def test_generated_files_change_in_one_line(tmp_path: Path, seed: int) -> None:
    files, phones, wizards = accounts_files.files(f"rotate-{seed}", "n", digests=True)
    renewed = 0
    for file, names in (("pjsip.conf", phones), ("pjsip_wizard.conf", wizards)):
        for name in names:
            _write(tmp_path, files)
            one = ConfSource(file, ConfFolder(tmp_path), file)
            try:
                before = one.endpoints()
                renewal = planned(one, {name: "Fresh.1"})
            except CmpBundleError:
                continue
            carried.carry_out(renewal.steps)
            renewed += 1
            after = one.endpoints()
            assert account(one, after, name) != account(one, before, name)
            (result,) = renewal.accounts
            stored = account(one, after, name)
            assert (stored.password, stored.ha1) == (result.password, result.ha1)  # type: ignore[union-attr]
            assert _others(before, name) == _others(after, name)
            assert _changed_lines(tmp_path, files) == 1
    assert renewed >= (seed == 0)


def _write(folder: Path, files: dict[str, bytes]) -> None:
    for name, data in files.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(data)


def _others(found: Endpoints, name: str) -> dict[str, str]:
    """The digests of all auths but those of one endpoint."""
    auth_ids = found.endpoints[name].auths
    return {a.id: endpoint.digest(a, "r") for a in found.auths.values() if a.id not in auth_ids}


def _changed_lines(folder: Path, files: dict[str, bytes]) -> int:
    count = 0
    for name, data in files.items():
        old, new = data.split(b"\n"), (folder / name).read_bytes().split(b"\n")
        assert len(old) == len(new)
        count += sum(a != b for a, b in zip(old, new, strict=True))
    return count
