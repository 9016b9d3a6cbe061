from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cmp_bundle.bundle.build import Built, Live, build
from cmp_bundle.devserver.builds import Builds
from cmp_bundle.devserver.built_files import FOLDER, BuiltFiles
from cmp_bundle.devserver.guard import Guard
from cmp_bundle.devserver.pbx import tls
from cmp_bundle.devserver.sip_log import SipLog
from cmp_bundle.errors import CmpBundleError
from cmp_bundle.settings.model import BuildSettings, Settings
from cmp_bundle.tls.machine import LOCAL
from tests.unit.bundle.phones import FILES, phone
from tests.unit.devserver.running import CLIENT

SETTINGS = Settings(build=BuildSettings(pack=False))


def built(number: int, changes: dict[str, str | None] | None = None) -> Built:
    live = Live((f"/__cmp/page.js?live-{number}",), FOLDER.format(number=number))
    return build(phone(changes), SETTINGS, CLIENT, live=live)


def test_an_old_address_means_the_newest_file() -> None:
    tree = BuiltFiles(lambda: 1000.0)
    tree.show("site", {"assets/live-1/a.css": b"one", "assets/live-1/b": b"b"})
    first = tree.file("site/assets/live-1/a.css")
    assert first is not None
    assert (first.data, first.mtime) == (b"one", 1000)
    tree.show("site", {"assets/live-2/a.css": b"two", "assets/live-2/b": b"b"})
    for number in (1, 2, 9):
        found = tree.file(f"site/assets/live-{number}/a.css")
        assert found is not None
        # Within one second too: an ETag must not come twice.
        assert (found.data, found.mtime) == (b"two", 1001)
    same = tree.file("site/assets/live-2/b")
    assert same is not None
    assert same.mtime == 1000


@pytest.mark.parametrize(
    "path", ["", "site", "site/", "site/a/", "site/a/.", "other/a", "site/b", "a", "/"]
)
def test_what_is_no_file_is_none(path: str) -> None:
    tree = BuiltFiles()
    tree.show("site", {"a": b"x"})
    assert tree.file(path) is None
    assert tree.file("site//./a") is not None


@given(st.text(max_size=40))
def test_any_path_may_be_asked_for(path: str) -> None:
    tree = BuiltFiles()
    tree.show("site", {"a": b"x"})
    tree.file(path)
    tree.file(path.encode("utf-8", "surrogatepass").decode("utf-8", "surrogateescape"))


def test_builds_tell_what_changed() -> None:
    changes: dict[str, str | None] = {}
    builds = Builds(lambda number: built(number, changes), 1)
    assert builds.build().changed
    assert not builds.build().changed
    changes["css/phone.css"] = "p { color: green }"
    styled = builds.build()
    assert styled.changed
    assert styled.stylesheets == ("assets/live/css/phone.css",)
    assert styled.visible == 3
    changes["css/two.css"] = "p { color: red }"
    again = builds.build()
    assert again.stylesheets == ("assets/live/css/two.css",)
    # A page of the first build needs both.
    assert (again.since, again.restyled) == (1, (*styled.stylesheets, *again.stylesheets))
    changes["two.js"] = "var x"
    scripted = builds.build()
    assert scripted.changed
    assert scripted.stylesheets == scripted.restyled == ()
    assert scripted.since == scripted.visible == 5


def test_the_last_good_build_stays_up() -> None:
    changes: dict[str, str | None] = {}
    builds = Builds(lambda number: built(number, changes), 1)
    good = builds.build()
    changes["index.html"] = FILES["index.html"].replace('id="accountHost"', "")
    bad = builds.build()
    assert bad.problem is not None
    assert (bad.visible, bad.built, bad.changed) == (good.visible, good.built, False)
    del changes["index.html"]
    fixed = builds.build()
    assert fixed.problem is None
    assert fixed.built is good.built


def test_the_first_build_must_succeed() -> None:
    with pytest.raises(CmpBundleError):
        Builds(lambda number: built(number, {"lib/one.js": None, "index.html": "x"}), 1).build()


def test_the_guard() -> None:
    guard = Guard(frozenset(LOCAL), 8443)
    for host in ("localhost:8443", "127.0.0.1:8443", "[::1]:8443", "LOCALHOST:8443"):
        assert guard.allows_host(host), host
        assert guard.allows_origin(f"https://{host}")
    for other in ("localhost", "evil.example:8443", "localhost:1", "", None, "a@localhost:8443",
                  "localhost:8443.evil.example", "[::1", "localhost:x"):  # fmt: skip
        assert not guard.allows_host(other), other
    for origin in ("http://localhost:8443", "null", "https://evil.example", ""):
        assert not guard.allows_origin(origin)
    assert guard.allows_origin(None)
    assert Guard(frozenset({"localhost"}), 443).allows_host("localhost")


REGISTER = (
    "REGISTER sip:pbx SIP/2.0\r\nVia: x\r\nTo: <sip:alice@pbx>\r\nCall-ID: r1\r\nCSeq: 1 REGISTER\r\n"
    'Authorization: Digest username="alice", response="0123456789abcdef"\r\n\r\n'
)
OK = (
    "SIP/2.0 200 OK\r\nTo: <sip:alice@pbx>;tag=1\r\nCall-ID: r1\r\nCSeq: 1 REGISTER\r\n"
    "Contact: <sip:x@y>;expires=60\r\n\r\n"
)


def sip(first: str, call: str = "c1", method: str = "INVITE") -> str:
    return (
        f"{first}\r\nFrom: <sip:alice@pbx>\r\nTo: <sip:246@pbx>\r\nCall-ID: {call}\r\n"
        f"CSeq: 1 {method}\r\n\r\na=ice-pwd:geheim\r\n"
    )


def test_the_ladder_of_a_call() -> None:
    news = []
    log = SipLog(lambda: news.append(1))
    log.opened(1)
    log.saw(1, REGISTER, from_phone=True)
    log.saw(1, OK, from_phone=False)
    assert [(p.name, p.state) for p in log.phones] == [("alice", "registered")]
    assert [m.summary for m in log.phones[0].messages] == ["REGISTER sip:pbx", "200 OK (REGISTER)"]
    for text, from_phone, state in (
        (sip("INVITE sip:246@pbx SIP/2.0"), True, "ringing"),
        (sip("SIP/2.0 401 Unauthorized"), False, "ringing"),
        (sip("ACK sip:246@pbx SIP/2.0", method="ACK"), True, "ringing"),
        (sip("INVITE sip:246@pbx SIP/2.0"), True, "ringing"),
        (sip("SIP/2.0 200 OK"), False, "talking"),
        (sip("BYE sip:246@pbx SIP/2.0", method="BYE"), True, "over"),
        (sip("SIP/2.0 200 OK", method="BYE"), False, "over"),
    ):
        log.saw(1, text, from_phone=from_phone)
        assert log.calls[0].state == state
    call = log.calls[0]
    assert (call.caller, call.called) == ("alice", "246")
    assert [m.summary for m in call.messages][1:3] == [
        "401 Unauthorized (INVITE)",
        "ACK sip:246@pbx",
    ]
    assert len(news) == 9
    log.saw(1, sip("INVITE sip:249@pbx SIP/2.0", "c2"), from_phone=True)
    log.saw(1, sip("SIP/2.0 486 Busy Here", "c2"), from_phone=False)
    assert [c.state for c in log.calls] == ["failed: 486 Busy Here", "over"]
    log.closed(1)
    assert log.phones == ()


@given(st.one_of(st.text(), st.binary(), st.sampled_from([REGISTER, OK])), st.booleans())
def test_any_message_may_pass(message: str | bytes, from_phone: bool) -> None:
    log = SipLog()
    log.saw(1, message, from_phone=from_phone)
    log.calls  # noqa: B018 - a property that has to hold for anything
    log.closed(1)


def test_memory_is_bounded() -> None:
    log = SipLog()
    for number in range(2000):
        log.saw(1, sip("INVITE sip:1@pbx SIP/2.0", f"c{number}"), from_phone=True)
    assert len(log.calls) == 500
    assert len(log._calls) <= 500


def test_what_is_no_authority(tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    for name, says in {
        "nothing": "cannot be read: no such file",
        ".": "cannot be read: is a directory",
        "empty": "contains no PEM certificate",
    }.items():
        with pytest.raises(CmpBundleError, match=says):
            tls(str(tmp_path / name), insecure=False)
