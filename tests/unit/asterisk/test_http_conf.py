"""The web server that an http.conf makes; tests/asterisk asks the real one the same."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cmp_bundle.asterisk import reader
from cmp_bundle.asterisk.conf_files import ConfFolder, Overlaid
from cmp_bundle.asterisk.http_conf import HttpServer, http_server
from cmp_bundle.asterisk.values import Address
from cmp_bundle.places import Place

NOTHING = ConfFolder(Path("/nowhere/etc"), Path("/nowhere"))

#: The book's file, chapter 20.
BOOK = """\
[general]
servername=Asterisk
enabled=yes
bindaddr=0.0.0.0
bindport=8088
tlsenable=yes
tlsbindaddr=0.0.0.0:8089
tlscertfile=/etc/asterisk/keys/asterisk.crt
tlsprivatekey=/etc/asterisk/keys/asterisk.key
enable_static=yes
redirect=/ /static/cyber_mega_phone_2k/index.html
"""


def server(text: str) -> HttpServer:
    files = Overlaid(NOTHING, {"/etc/http.conf": text.encode()})
    return http_server(reader.read("http.conf", files))


def general(*lines: str) -> HttpServer:
    return server("[general]\n" + "".join(f"{line}\n" for line in lines))


def test_the_book() -> None:
    found = server(BOOK)
    assert found.address == Address("0.0.0.0", 8088)
    assert found.tls_address == Address("0.0.0.0", 8089)
    assert found.certificate == "/etc/asterisk/keys/asterisk.crt"
    assert found.key == "/etc/asterisk/keys/asterisk.key"
    assert found.prefix == ""
    assert found.static_enabled
    assert found.status_enabled is None
    assert found.session_limit == 100
    assert found.server_name == "Asterisk"
    assert found.problems == ()
    redirect = found.redirect("/")
    assert redirect is not None
    assert redirect.destination == "/static/cyber_mega_phone_2k/index.html"
    assert redirect.origin == Place("/etc/http.conf", 11)
    assert found.origins["static_enabled"].place == Place("/etc/http.conf", 10)
    assert "prefix" not in found.origins


@pytest.mark.parametrize(
    "text", ["", "[general](!)\nenabled=yes\n", "[general\n", "[other]\na=b\n"]
)
def test_nothing_that_counts_is_a_server_that_is_off(text: str) -> None:
    assert server(text) == HttpServer()


def test_a_missing_file_is_a_server_that_is_off() -> None:
    assert http_server(reader.read("http.conf", NOTHING)) == HttpServer()


def test_only_the_first_general_counts_and_in_it_the_last_line() -> None:
    found = server("[general]\nenablestatic=no\nEnable_Static=on\n[general]\nenablestatic=no\n")
    assert found.static_enabled
    assert found.origins["static_enabled"].line == 3


@pytest.mark.parametrize("value", ["yes", "YES", "true", "y", "t", "1", "on"])
def test_yes(value: str) -> None:
    assert general(f"enablestatic={value}").static_enabled


@pytest.mark.parametrize("value", ["no", "", "enabled", "2", "01", "yes please"])
def test_no(value: str) -> None:
    assert not general(f"enablestatic={value}").static_enabled


@pytest.mark.parametrize(
    ("lines", "address"),
    [
        (["bindaddr=127.0.0.1"], Address("127.0.0.1", 8088)),
        (["bindaddr=127.0.0.1", "bindport=80"], Address("127.0.0.1", 80)),
        (["bindaddr=127.0.0.1:81", "bindport=80"], Address("127.0.0.1", 81)),
        (["bindaddr=127.0.0.1", "bindport=0x50"], Address("127.0.0.1", 80)),
        (["bindaddr=127.0.0.1", "bindport=08088"], Address("127.0.0.1", 8088)),
        (["bindaddr=127.0.0.1", "bindport=80", "bindport=70000"], Address("127.0.0.1", 8088)),
        (["bindaddr=127.0.0.1", "bindport=" + "9" * 5000], Address("127.0.0.1", 8088)),
        (["bindaddr=127.1"], Address("127.0.0.1", 8088)),
        (["bindaddr=::"], Address("::", 8088)),
        (["bindaddr=[::1]:80"], Address("::1", 80)),
        (["bindaddr=pbx.example.com:80"], Address("pbx.example.com", 80)),
        (["bindport=80"], None),
        (["bindaddr="], None),
        (["bindaddr=127.0.0.1", "bindaddr="], None),
        (["bindaddr=*"], None),
        (["bindaddr=127.0.0.1:x"], None),
    ],
)
def test_where_plain_http_listens(lines: list[str], address: Address | None) -> None:
    found = general("enabled=yes", *lines)
    assert found.address == address
    assert found.enabled
    assert general(*lines).address is None


@pytest.mark.parametrize(
    ("lines", "address"),
    [
        (["tlsbindaddr=127.0.0.2:443"], Address("127.0.0.2", 443)),
        (["sslbindaddr=127.0.0.2"], Address("127.0.0.2", 8089)),
        (["tlsbindaddr=127.0.0.2:443", "tlsbindaddr=pbx.example.com"], Address("127.0.0.2", 443)),
        (["enabled=yes", "bindaddr=127.0.0.1", "bindport=80"], Address("127.0.0.1", 8089)),
        (["enabled=yes", "bindaddr=127.0.0.1", "tlsbindaddr=x"], Address("127.0.0.1", 8089)),
        (["enabled=yes"], None),
        (["bindaddr=127.0.0.1"], None),
        ([], None),
    ],
)
def test_where_https_listens(lines: list[str], address: Address | None) -> None:
    assert general("tlsenable=yes", *lines).tls_address == address
    assert general(*lines).tls_address is None


def test_the_key_is_in_the_certificate_unless_said() -> None:
    assert (server("").certificate, server("").key) == ("asterisk.pem", "asterisk.pem")
    assert general("sslcert=/c").key == "/c"
    assert general("tlscert=/c", "tlsprivatekey=/k").key == "/k"
    assert general("tlscertfile=/c", "tlsprivatekey=").key == "/c"
    assert general("tlscipher=A", "sslcipher=B").cipher == "B"
    assert general().cipher == ""


@pytest.mark.parametrize(
    ("value", "prefix"),
    [
        ("", ""),
        ("phones", "/phones"),
        ("/phones", "//phones"),
        ("p" * 90, "/" + "p" * 78),
        ("ü" * 50, "/" + "ü" * 39),
        ("a" + "ü" * 50, "/a" + "ü" * 38 + "\udcc3"),
    ],
)
def test_the_prefix_gets_a_slash_and_is_cut(value: str, prefix: str) -> None:
    assert general(f"prefix={value}").prefix == prefix


def test_redirects_are_tried_longest_first_and_the_last_written_wins() -> None:
    found = general(
        "redirect=/a one",
        "redirect=/long two",
        "redirect=/A three",
        "redirect=/b  four",
        "redirect=/tab\tfive",
        "redirect=/c d e",
    )
    assert [(r.target, r.destination) for r in found.redirects] == [
        ("/long", "two"),
        ("/c", "d e"),
        ("/b", " four"),
        ("/A", "three"),
        ("/a", "one"),
    ]
    assert found.redirect("/a") == found.redirects[3]
    assert found.redirect("/a/") is None
    assert [p.line for p in found.problems] == [6]


def test_an_include_of_ours_comes_last_and_wins() -> None:
    changes = {
        "/etc/http.conf": b"[general]\nredirect=/cmp2k theirs\n#tryinclude cmp-bundle/http.conf",
        "/etc/cmp-bundle/http.conf": b"[general](+)\nenablestatic=yes\nredirect=/cmp2k ours\n",
    }
    found = http_server(reader.read("http.conf", Overlaid(NOTHING, changes)))
    redirect = found.redirect("/CMP2K")
    assert redirect is not None
    assert redirect.destination == "ours"
    assert redirect.origin == Place("/etc/cmp-bundle/http.conf", 3)
    assert found.static_enabled


def test_restrictions() -> None:
    found = server(
        "[general]\n[/static/x]\ntype=Restriction\npermit=10.0.0.0/8\nacl=a\nother=1\n"
        "[/ws](!)\ntype=restriction\n[/y]\ntype=x\ntype=restriction\n[/ws](/ws)\ndeny=0.0.0.0/0\n"
    )
    assert [(r.path, [v.value for v in r.rules]) for r in found.restrictions] == [
        ("/static/x", ["10.0.0.0/8", "a"]),
        ("/ws", ["0.0.0.0/0"]),
    ]
    assert found.restrictions[0].origin.line == 2


@pytest.mark.parametrize(
    "line",
    [
        "tlsbindport=8089",
        "tlscafile=/ca",
        "redirect=/nowhere",
        "redirect=",
        "tlsbindaddr=localhost",
        "bindaddr=",
        "bindport=-1",
        "sessionlimit=0",
    ],
)
def test_lines_that_asterisk_complains_about(line: str) -> None:
    assert [p.line for p in general(line).problems] == [2]


def test_session_limit_and_name() -> None:
    assert general("sessionlimit=5").session_limit == 5
    assert general("sessionlimit=5", "sessionlimit=none").session_limit == 100
    assert server("").server_name is None
    assert general("servername=").server_name == ""
    assert general("servername=" + "x" * 200).server_name == "x" * 127
    assert general("enable_status=yes").status_enabled


OPTIONS = ("enabled", "bindaddr", "bindport", "tlsenable", "tlsbindaddr", "prefix", "redirect", "")


@given(
    st.lists(
        st.tuples(
            st.sampled_from(OPTIONS),
            st.one_of(
                st.sampled_from(["yes", "127.0.0.1", "[::1", "[]:", ":", "0x", "-0", "a b"]),
                st.text(st.characters(exclude_categories=["Cs"]), max_size=20),
            ),
        ),
        max_size=8,
    )
)
def test_no_value_upsets_it(lines: list[tuple[str, str]]) -> None:
    found = general(*(f"{name}={value}" for name, value in lines))
    for address in (found.address, found.tls_address):
        assert address is None or 0 < address.port < 65536
