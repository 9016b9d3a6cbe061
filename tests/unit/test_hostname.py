"""Names of hosts as browsers encode them."""

from __future__ import annotations

import pytest

from cmp_bundle.hostname import in_ascii, url_in_ascii


@pytest.mark.parametrize(
    ("name", "ascii_name"),
    [
        ("PBX.example", "pbx.example"),
        ("_pbx..example", "_pbx..example"),  # whoever needs a name to look up checks that
        ("straße.de", "xn--strae-oqa.de"),
        ("*.Bücher.example.", "*.xn--bcher-kva.example."),
        ("例え。テスト", "xn--r8jz45g.xn--zckzah"),
    ],
)
def test_a_name(name: str, ascii_name: str) -> None:
    assert in_ascii(name) == ascii_name
    assert in_ascii(ascii_name) == ascii_name


@pytest.mark.parametrize("name", ["💩.example", "ü" * 60, "a\u200db.example", "ü_.example"])
def test_what_is_none(name: str) -> None:
    with pytest.raises(ValueError, match=r"not allowed|too long"):
        in_ascii(name)


@pytest.mark.parametrize(
    ("url", "ascii_url"),
    [
        ("wss://Straße.de:8089/ws", "wss://xn--strae-oqa.de:8089/ws"),
        ("https://straße.de", "https://xn--strae-oqa.de"),
        ("wss://PBX.lan/für", "wss://PBX.lan/für"),
        ("wss://[::1]:8089/ws", "wss://[::1]:8089/ws"),
        ("", ""),
    ],
)
def test_a_url(url: str, ascii_url: str) -> None:
    assert url_in_ascii(url) == ascii_url
