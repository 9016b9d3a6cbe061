"""The last look: planted secrets are found however they are written, and nothing gets around."""

from __future__ import annotations

import base64
import bz2
import gzip
import html
import io
import json
import lzma
import random
import re
import textwrap
import unicodedata
import zipfile
import zlib
from collections.abc import Callable
from urllib.parse import quote, quote_plus, urlencode

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from cmp_bundle.bundle import layers, leaks
from cmp_bundle.bundle.build import BundledAccounts, build, inert_json
from cmp_bundle.bundle.client import Client
from cmp_bundle.bundle.leaks import Secret, check
from cmp_bundle.errors import CmpBundleError
from cmp_bundle.settings.model import AccountSettings, BuildSettings, Settings

from .phones import phone

PASSWORD = "s3cr3t <ü&'\"\\/+%🔑> word"
ALICE = Secret("the password of alice", PASSWORD)


def _characters(text: str) -> str:
    return "".join(f"&#x{ord(c):x};" for c in text)


def _units(text: str, form: str) -> str:
    raw = text.encode("utf-16-be", "surrogatepass")
    return "".join(form.format(int.from_bytes(raw[i : i + 2])) for i in range(0, len(raw), 2))


def _zipped(data: bytes, method: int) -> bytes:
    archive_file = io.BytesIO()
    with zipfile.ZipFile(archive_file, "w", method) as archive:
        archive.writestr("nothing.txt", b"nothing at all")
        archive.writestr("notes.txt", b"alice: " + data)
    return archive_file.getvalue()


def _wrapped(data: bytes, between: str = "\n") -> bytes:
    return between.join(textwrap.wrap(base64.b64encode(data).decode(), 16)).encode()


NOISE = random.Random(1).randbytes(2_000).hex().encode()

#: Every way in which a password gets into a file without anybody meaning it.
ENCODINGS: dict[str, Callable[[str], bytes]] = {
    "as it is": lambda s: s.encode(),
    "base64": lambda s: base64.b64encode(s.encode()),
    "base64, one byte on": lambda s: base64.b64encode(b"?" + s.encode()),
    "base64, two bytes on": lambda s: base64.b64encode(b"??" + s.encode() + b"?"),
    "base64 for URLs": lambda s: base64.urlsafe_b64encode(b":" + s.encode()).rstrip(b"="),
    "basic authentication": lambda s: base64.b64encode(f"alice:{s}".encode()),
    "hexadecimal": lambda s: s.encode().hex().encode(),
    "HEXADECIMAL": lambda s: s.encode().hex().upper().encode(),
    "URL": lambda s: quote(s, safe="").encode(),
    "URL, small letters": lambda s: re.sub("%..", lambda m: m[0].lower(), quote(s)).encode(),
    "URL, every byte": lambda s: "".join(f"%{b:02x}" for b in s.encode()).encode(),
    "form": lambda s: quote_plus(s).encode(),
    "query": lambda s: urlencode({"p": s, "q": "1"}).encode(),
    "JSON": lambda s: json.dumps({"p": s}).encode(),
    "JSON in UTF-8": lambda s: json.dumps([s], ensure_ascii=False).encode(),
    "JSON, slashes escaped": lambda s: json.dumps(s).replace("/", "\\/").encode(),
    "JSON, every character": lambda s: _units(s, "\\u{:04X}").encode(),
    "JSON in a page": lambda s: inert_json({"p": s}).encode(),
    "JavaScript": lambda s: ("'" + s.replace("\\", "\\\\").replace("'", "\\'") + "'").encode(),
    "JavaScript, braces": lambda s: "".join(f"\\u{{{ord(c):x}}}" for c in s).encode(),
    "JavaScript, bytes": lambda s: "".join(
        f"\\x{ord(c):02x}" if ord(c) < 256 else c for c in s
    ).encode(),
    "HTML": lambda s: html.escape(s).encode(),
    "HTML, characters": lambda s: _characters(s).encode(),
    "gzip": lambda s: gzip.compress(b"before " + s.encode()),
    "gzip, second part": lambda s: gzip.compress(b"nothing") + gzip.compress(s.encode()),
    "gzip, cut off": lambda s: gzip.compress(s.encode() + NOISE)[:-300],
    "gzip, damaged": lambda s: gzip.compress(s.encode() + NOISE)[:-8] + b"\0" * 8,
    "gzip of JSON": lambda s: gzip.compress(json.dumps(s).encode()),
    "gzip of base64": lambda s: gzip.compress(base64.b64encode(s.encode())),
    "gzip in gzip": lambda s: gzip.compress(gzip.compress(b"before " + s.encode())),
    "zlib": lambda s: zlib.compress(s.encode()),
    "zlib, little packed": lambda s: zlib.compress(s.encode(), 1),
    "bzip2": lambda s: bz2.compress(s.encode()),
    "xz": lambda s: lzma.compress(s.encode()),
    "zip": lambda s: _zipped(s.encode(), zipfile.ZIP_DEFLATED),
    "zip, stored": lambda s: _zipped(s.encode(), zipfile.ZIP_STORED),
    "zip, bzip2": lambda s: _zipped(s.encode(), zipfile.ZIP_BZIP2),
    "zip, LZMA": lambda s: _zipped(s.encode(), zipfile.ZIP_LZMA),
    "zip in zip": lambda s: _zipped(_zipped(s.encode(), zipfile.ZIP_DEFLATED), zipfile.ZIP_DEFLATED),
    "zip without its end": lambda s: _zipped(s.encode(), zipfile.ZIP_DEFLATED)[:-30],
    "base64 of gzip": lambda s: base64.b64encode(gzip.compress(s.encode())),
    "base64, wrapped": lambda s: _wrapped(f"alice: {s} and more of it".encode()),
    "base64, wrapped and indented": lambda s: _wrapped(s.encode() * 2, "\r\n    "),
    "base64, wrapped in JSON": lambda s: json.dumps(_wrapped(s.encode() * 2).decode()).encode(),
    "base64, in pieces": lambda s: _wrapped(s.encode() * 2, "' +\n  '"),
    "base64 of base64": lambda s: base64.b64encode(base64.b64encode(s.encode())),
    "base64 behind a word": lambda s: b"password_" + base64.b64encode(s.encode()),
    "base64 of JSON": lambda s: base64.b64encode(json.dumps([s]).encode()),
    "hexadecimal with colons": lambda s: s.encode().hex(":").encode(),
    "hexadecimal of base64": lambda s: base64.b64encode(s.encode()).hex().encode(),
    "URL, twice": lambda s: quote(quote(s, safe=""), safe="").encode(),
    "JSON in JSON": lambda s: json.dumps(json.dumps({"p": s})).encode(),
    "JSON in a URL": lambda s: quote(json.dumps(s)).encode(),
    "JSON in HTML": lambda s: html.escape(json.dumps(s)).encode(),
    "HTML, twice": lambda s: html.escape(html.escape(s)).encode(),
    "HTML in JSON in a URL": lambda s: quote(json.dumps(html.escape(s))).encode(),
    "UTF-16": lambda s: s.encode("utf-16"),
    "UTF-16, large end first": lambda s: s.encode("utf-16-be"),
    "UTF-16 of JSON": lambda s: json.dumps({"p": s}).encode("utf-16-le"),
    "UTF-16 in base64": lambda s: base64.b64encode(s.encode("utf-16-le")),
    "UTF-32 of JSON": lambda s: json.dumps({"p": s}).encode("utf-32"),
    "NFC": lambda s: unicodedata.normalize("NFC", s).encode(),
    "NFD": lambda s: unicodedata.normalize("NFD", s).encode(),
    "NFKC": lambda s: unicodedata.normalize("NFKC", s).encode(),
    "NFKD": lambda s: unicodedata.normalize("NFKD", s).encode(),
    "NFD in JSON": lambda s: json.dumps(unicodedata.normalize("NFD", s)).encode(),
    "UTF-8 taken for Latin-1": lambda s: s.encode().decode("latin-1").encode(),
    "JavaScript, octets": lambda s: "".join(f"\\x{b:02x}" for b in s.encode()).encode(),
    "CSS": lambda s: "".join(f"\\{ord(c):06x}" for c in s).encode(),
    "in two pieces": lambda s: f"'{s[:4]}' + '{s[4:]}'".encode(),
}  # fmt: skip


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_a_planted_secret_is_found(encoding: str) -> None:
    planted = ENCODINGS[encoding](PASSWORD)
    for data in (planted, b"x" * 1000 + planted + b"y" * 1000, b"\xff\xfe" + planted + b"\xff"):
        if encoding.startswith("gzip") and data is not planted:
            continue  # a file is gzipped from its first byte on
        with pytest.raises(CmpBundleError) as caught:
            check({"fine.js": b"fine", "assets/x.bin": data}, [ALICE], [])
        assert caught.value.file == "assets/x.bin"
        assert caught.value.message == ("holds the password of alice, and everybody could read it")
        assert PASSWORD not in f"{caught.value}{caught.value.hint}{caught.value.__cause__}"


@settings(deadline=None)
@given(
    st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=6, max_size=40).filter(
        lambda s: s == s.strip() and len(s.encode()) > 6
    ),
    st.sampled_from(sorted(ENCODINGS)),
)
@example("0\\\\\\\\u0041", "JSON")
@example("&amp;amp%41", "HTML")
def test_any_secret_in_any_encoding(password: str, encoding: str) -> None:
    with pytest.raises(CmpBundleError):
        check({"x": ENCODINGS[encoding](password)}, [Secret("it", password)], [])


@settings(deadline=None)
@given(st.binary(max_size=400), st.text(st.characters(codec="ascii"), min_size=10, max_size=20))
@example(rb"openssh-key-v1\0", "0123456789")
@example(b"7z\xbc\xaf\x27\x1c", "0123456789")
def test_nothing_is_found_where_nothing_is(data: bytes, password: str) -> None:
    if password.encode() in data:
        return
    try:
        check({"x": data}, [Secret("it", f"{password}\u20ac")], [])
    except CmpBundleError as error:
        # Hypothesis tries what stands in our own code: how private keys and packed data begin.
        assert re.match("holds a private key|is packed|is a zip archive", error.message)


@pytest.mark.parametrize("name", ["latin-1", "cp1252"])
def test_latin_1(name: str) -> None:
    password = "pässwört für Zoë"
    secret = Secret("it", password)
    page = f"Grüße!\npassword={password}\n".encode(name)
    escaped = f"<p>Grüße! {html.escape('&' + password)}</p>".encode(name)
    for data in (page, escaped, b"\0\1" + page, base64.b64encode(page), gzip.compress(page)):
        with pytest.raises(CmpBundleError, match="holds it"):
            check({"x": data}, [secret], [])


def test_what_is_encoded_over_and_over() -> None:
    text = PASSWORD
    for encoded in (quote, json.dumps, html.escape, quote, json.dumps):
        text = encoded(text)
    data = base64.b64encode(gzip.compress(base64.b64encode(text.encode())))
    with pytest.raises(CmpBundleError, match="the password of alice"):
        check({"x": data}, [ALICE], [])


def test_what_cannot_be_looked_through_is_told() -> None:
    """Nothing of it is published: nobody knows what it holds."""
    deep = "%41"
    for _ in range(layers.DEPTH + 2):
        deep = quote(deep)
    locked = bytearray(_zipped(b"x" * 99, zipfile.ZIP_DEFLATED))
    locked[6] |= 1
    nested = b"nothing"
    for _ in range(layers.DEPTH + 2):
        nested = gzip.compress(nested)
    for data, why in (
        (deep.encode(), "encoded too many times"),
        (nested, "encoded too many times"),
        (bytes(locked), "a zip archive with a password"),
        (b"7z\xbc\xaf\x27\x1c" + b"x" * 99, "a format that cmp-bundle cannot unpack"),
        (b"\x1f\x9d\x90" + b"x" * 99, "a format that cmp-bundle cannot unpack"),
        (b"Rar!\x1a\x07\x01\x00", "a format that cmp-bundle cannot unpack"),
        (b"\x28\xb5\x2f\xfd" + b"x" * 99, "a format that cmp-bundle cannot unpack"),
    ):
        with pytest.raises(CmpBundleError, match=why) as caught:
            check({"fine": b"fine", "x": data}, [ALICE], [])
        assert caught.value.file == "x"


def test_the_name_of_a_file_is_read_as_well() -> None:
    with pytest.raises(CmpBundleError):
        check({"assets/hunter2hunter2.txt": b""}, [Secret("it", "hunter2hunter2")], [])


def test_the_raw_key_is_found() -> None:
    key = bytes(range(200, 232))
    for data in (b"\0" + key, base64.b64encode(b"a" + key), key.hex().encode()):
        with pytest.raises(CmpBundleError):
            check({"x": data}, [Secret("the key", key)], [])


def test_each_secret_among_thousands() -> None:
    secrets = [Secret(f"password {i}", f"p{i:06d}word") for i in range(3000)]
    for i in (0, 1499, 2999):
        with pytest.raises(CmpBundleError, match=f"holds password {i},"):
            check({"x": f"..p{i:06d}word..".encode()}, secrets, [])
    check({"x": b"p00000word p003000word"}, secrets, [])


def test_what_everybody_knows_is_not_looked_for_and_told_elsewhere() -> None:
    secrets = [Secret("the password of video", "video"), ALICE]
    known = [b"<video autoplay>"]
    check({"index.html": b"<video>"}, secrets, known)
    assert leaks.standing_in(known, secrets) == [secrets[0]]
    with pytest.raises(CmpBundleError, match="the password of alice"):
        check({"x": b"<video>" + PASSWORD.encode()}, secrets, known)


def test_short_ones_are_no_secrets() -> None:
    check({"x": b"abc"}, [Secret("it", "abc")], [])
    with pytest.raises(CmpBundleError):
        check({"x": b"abcd"}, [Secret("it", "abcd")], [])


def test_a_file_that_is_too_large_to_look_through(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layers, "UNPACKED", 1 << 20)
    check({"x": gzip.compress(b"\0" * ((1 << 20) - 1))}, [ALICE], [])
    for bomb in (gzip.compress(b"\0" * (1 << 21)), gzip.compress(b"\0" * (1 << 19)) * 3):
        with pytest.raises(CmpBundleError, match="too much to search for secrets"):
            check({"x": bomb}, [ALICE], [])


def test_names_that_begin_as_a_packed_file_does() -> None:
    """Those of profiles are made of 16 bytes by chance, and look like base64."""
    for beginning in (b"\x1f\x9d\x90", b"\x1f\x9d"):
        for lead in ("", "x", "xx", "xxx"):
            name = lead + base64.urlsafe_b64encode(beginning.ljust(18, b"\xff")).decode()
            check({f"p/{name}.bin": b"x", "list.txt": name.encode()}, [ALICE], [])
        check({"list.txt": (beginning * 9).hex().encode()}, [ALICE], [])
    # A zip's member by an impossible method.
    check({"x": b"\xff" * 9 + b"PK\x03\x04" + b"\xff" * 99}, [ALICE], [])


def test_secrets_that_begin_alike_are_told_apart() -> None:
    """In plain and in each of their encodings, one, two and many of them."""
    everybody = [Secret(f"the password of {n}", f"company-{n}") for n in range(5)]
    for number, secret in enumerate(everybody):
        for form in (secret.data, secret.data.hex().encode(), base64.b64encode(secret.data)):
            with pytest.raises(CmpBundleError, match=f"holds the password of {number},"):
                check({"x": b"<" + form + b">"}, everybody, [])
    check({"x": b"company-9, company-"}, everybody, [])


def test_damaged_gzip_ends() -> None:
    whole = gzip.compress(bytes(range(256)) * 100)
    for cut in (2, 3, 11, len(whole) - 1):
        check({"x": whole[:cut]}, [ALICE], [])
    check({"x": b"\x1f\x8b" + zlib.compress(b"no gzip")}, [ALICE], [])


CLIENT = Client("/* the loader */", "/* the overlay */ overlay()", ".overlay{}")
PEOPLE = BundledAccounts(secrets=(ALICE,))

#: Where in a phone, or in its settings, somebody may have left a password.
PLANTED: dict[str, dict[str, str | None]] = {
    "a script": {"two.js": f"var password = {json.dumps(PASSWORD)};"},
    "a style": {"css/phone.css": f"p::before {{ content: '{PASSWORD.replace(chr(39), '')}' }}"},
    "a file beside": {"notes.txt": f"alice:{PASSWORD}\n"},
    "a licence": {"LICENSE": f"Free, but {PASSWORD}"},
}


@pytest.mark.parametrize("pack", [True, False])
@pytest.mark.parametrize("where", sorted(PLANTED))
def test_a_build_stops(where: str, pack: bool) -> None:
    """Packed or not: the minifier writes strings as it likes."""
    files = PLANTED[where]
    secret = ALICE
    if where == "a style":
        secret = Secret("it", PASSWORD.replace("'", ""))
    how = Settings(build=BuildSettings(pack=pack))
    with pytest.raises(CmpBundleError, match="everybody could read it"):
        build(phone(files), how, CLIENT, BundledAccounts(secrets=(secret,)))


@pytest.mark.parametrize("pack", [True, False])
def test_a_build_stops_for_its_settings(pack: bool) -> None:
    how = Settings(account=AccountSettings(id=PASSWORD), build=BuildSettings(pack=pack))
    with pytest.raises(CmpBundleError, match="holds the password of alice") as caught:
        build(phone(), how, CLIENT, PEOPLE)
    assert caught.value.file == "index.html"


def test_a_build_stops_for_a_profile_that_is_not_sealed() -> None:
    people = BundledAccounts({"aa.bin": json.dumps({"password": PASSWORD}).encode()}, (ALICE,))
    with pytest.raises(CmpBundleError) as caught:
        build(phone(), Settings(), CLIENT, people)
    assert caught.value.file == "p/aa.bin"


def test_a_plain_profile_is_no_way_around_for_others() -> None:
    plain = {"id": "bob", "password": "bobs own, public"}
    built = build(phone(), Settings(), CLIENT, BundledAccounts(secrets=(ALICE,), plain=plain))
    assert built.bundle.manifest.plain == "bob"
    how = Settings(account=AccountSettings(name=PASSWORD))
    with pytest.raises(CmpBundleError, match="the password of alice"):
        build(phone(), how, CLIENT, BundledAccounts(secrets=(ALICE,), plain=plain))
