"""Which names a certificate can be for."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from cmp_bundle.errors import CmpBundleError
from cmp_bundle.tls.hosts import Host, host, hosts

REFUSED = {
    "": "it is empty",
    ".": "it is empty",
    " ": "it is empty",
    "*": "whole first label",
    "*.": "whole first label",
    "*.com": "top-level domain",
    "*.localhost": "top-level domain",
    "*.co.uk": "top-level domain",
    "*.*.example.com": "whole first label",
    "a*.example.com": "whole first label",
    "pbx.*.example.com": "whole first label",
    "a..b": "one part of the name is empty",
    ".example.com": "one part of the name is empty",
    "-pbx.example.com": "cannot be part of a host name",
    "pbx-.example.com": "cannot be part of a host name",
    "p bx.example.com": "cannot be part of a host name",
    "pbx.example.com\n": "cannot be part of a host name",
    "pbx,other": "cannot be part of a host name",
    "a" * 64: "longer than 63",
    ".".join(["a" * 60] * 5): "longer than 253",
    "1.2.3": "read it as an address",
    "127.1": "read it as an address",
    "pbx.0x7f": "read it as an address",
    "300.1.2.3": "read it as an address",
    "01.2.3.4": "read it as an address",
    "0.0.0.0": "nobody can open",
    "::": "nobody can open",
    "224.0.0.1": "nobody can open",
    "fe80::1%eth0": "a zone",
    "https://pbx.example.com:8089/cmp2k": "not for a URL",
    "pbx.example.com/cmp2k": "not for a URL",
    "pbx.example.com:8089": "every port",
    "[::1]:8089": "every port",
    "admin@example.com": "not for a person",
    "a\u200db.example": "no host name can have",
    "💩.example": "no host name can have",
    "ü" * 60: "no host name can have",
    "xn--ls8h.example": "not a valid encoded name",
    "xn--Fa-hia-.example": "cannot be part of a host name",
    "xn--strasse-.example": "cannot be part of a host name",
    "xn--FA-6ea.example": "not a valid encoded name",
    "xn--a.example": "not a valid encoded name",
    "xn--.example": "cannot be part of a host name",
    "xn--99999999.example": "not a valid encoded name",
    "bu\u0308\u2100.example": "no host name can have",
}


@pytest.mark.parametrize(
    ("text", "host"),
    [
        ("https://pbx.lan:8089/cmp2k", "pbx.lan"),
        ("wss://[::1]:8089", "[::1]"),
        ("a.lan/b:8", "a.lan"),
    ],
)
def test_the_host_in_a_url_is_one_that_can_be_taken(text: str, host: str) -> None:
    with pytest.raises(CmpBundleError) as refused:
        hosts([text])
    assert refused.value.hint == f"name the host alone: {host}"
    assert hosts([host])


ACCEPTED = {
    "localhost": "localhost",
    "PBX.Example.COM": "pbx.example.com",
    "pbx.example.com.": "pbx.example.com",
    "my_pbx.example.com": "my_pbx.example.com",
    "_dmarc.example.com": "_dmarc.example.com",
    "a--b.example": "a--b.example",
    "*.example.com": "*.example.com",
    "*.pbx.co.uk": "*.pbx.co.uk",
    "bücher.example": "xn--bcher-kva.example",
    "BÜCHER.example": "xn--bcher-kva.example",
    "*.bücher.example": "*.xn--bcher-kva.example",
    "_dmarc.bücher.example.": "_dmarc.xn--bcher-kva.example",
    "straße.de": "xn--strae-oqa.de",
    "faß.example": "xn--fa-hia.example",
    "STRAẞE.de": "xn--strae-oqa.de",
    "XN--STRAE-OQA.de": "xn--strae-oqa.de",
    "βόλος.example": "xn--nxasmm1c.example",
    "\u0646\u0627\u0645\u0647\u200c\u0627\u06cc.example": "xn--mgba3gch31f060k.example",
    "ﬁle.example": "file.example",
    "xn--bcher-kva.example": "xn--bcher-kva.example",
    "例え。テスト": "xn--r8jz45g.xn--zckzah",
    "192.0.2.7": "192.0.2.7",
    "::1": "::1",
    "[2001:DB8:0::7]": "2001:db8::7",
    "4.pbx": "4.pbx",
    "3com.example": "3com.example",
    "pbx": "pbx",
}


@pytest.mark.parametrize("text", REFUSED)
def test_what_browsers_refuse_cannot_be_asked_for(text: str) -> None:
    with pytest.raises(CmpBundleError) as caught:
        host(text)
    assert REFUSED[text] in caught.value.message
    assert repr(text) in caught.value.message


@pytest.mark.parametrize("text", ACCEPTED)
def test_what_they_accept_is_written_as_they_write_it(text: str) -> None:
    assert host(text).text == ACCEPTED[text]


def test_each_once_and_at_least_one() -> None:
    assert [h.text for h in hosts(["b", "A", "b.", "a"])] == ["b", "a"]
    with pytest.raises(CmpBundleError, match="needs a host"):
        hosts([])


LABEL = st.from_regex(r"[a-z0-9_]([a-z0-9_-]{0,10}[a-z0-9_])?", fullmatch=True)
NAME = st.lists(LABEL, min_size=1, max_size=5).map(".".join)
PUNYCODE = st.from_regex(r"xn--[a-z0-9-]{0,30}", fullmatch=True)


@given(st.one_of(st.text(max_size=80), NAME, NAME.map("*.".__add__), PUNYCODE))
@example("xn--" + "a" * 59)
def test_nothing_in_between(text: str) -> None:
    """Any text is refused with one sentence, or becomes what could stand in a certificate."""
    try:
        made = host(text)
    except CmpBundleError as error:
        assert "\n" not in error.message.replace(repr(text), "")
        return
    assert host(made.text) == made, "what is written once is read the same"
    if made.address is None:
        assert len(made.text) <= 253
        assert re.fullmatch(r"(\*\.)?([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?\.?)+", made.text)
        assert not made.text.endswith(".")


@pytest.mark.slow
@given(NAME, LABEL)
def test_a_wildcard_covers_one_label(name: str, label: str) -> None:
    name = f"{name}.example"  # one that ends in a number is no name, but an address or nothing
    wildcard = Host(f"*.{name}")
    assert wildcard.covers(Host(f"{label}.{name}"))
    assert wildcard.covers(wildcard)
    assert not wildcard.covers(Host(name))
    assert not wildcard.covers(Host(f"a.{label}.{name}"))
    assert not Host(name).covers(Host(f"{label}.{name}"))
    assert not Host(f"*.{label}.{name}").covers(wildcard)
    assert not Host("*.0.0.1").covers(Host("127.0.0.1"))
