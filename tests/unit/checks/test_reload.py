"""What a reload would meet; that it agrees with real Asterisks is tested beside them."""

from __future__ import annotations

import os
import ssl
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from cmp_bundle.asterisk import reader as conf
from cmp_bundle.asterisk.conf_files import ConfFolder
from cmp_bundle.asterisk.http_conf import HttpServer, http_server
from cmp_bundle.checks import reload as loadable
from cmp_bundle.checks.reload import Look, look, look_at, would_end_https
from cmp_bundle.errors import CmpBundleError
from cmp_bundle.findings import Finding
from cmp_bundle.tls import readable
from cmp_bundle.tls.readable import ReadingUser, Unread, Why, oneself
from tests.unit.tls import pairs
from tests.unit.tls.made import DAY, NOW, odd

pytestmark = pytest.mark.slow

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can look as somebody else")


@pytest.fixture
def reader(tmp_path: Path) -> ReadingUser:
    tmp_path.chmod(0o755)
    return ReadingUser("nobody", 65534, 65534, tmp_path)


@pytest.fixture
def keys(tmp_path: Path) -> pairs.Keys:
    folder = tmp_path / "keys"
    folder.mkdir(mode=0o755)
    found = pairs.Keys(folder, 65534, 65534)
    found.clear()
    return found


def hindrance(found: Look) -> Finding:
    assert found.hindrance is not None
    return found.hindrance


def both_in(folder: Path, pair: tuple[bytes, bytes] | None = None) -> Path:
    """A file with a key and its certificate; any pair that is good where none is given."""
    path = folder / "both.pem"
    path.write_bytes(b"".join(pair or pairs.good()))
    return path


def judged(reader: ReadingUser, served: bytes | None = None) -> Look:
    certificate, key = f"/keys/{pairs.CERTIFICATE}", f"/keys/{pairs.KEY}"
    return look_at(certificate, key, reader, NOW, served=served)


@as_root
@pytest.mark.parametrize("name", pairs.fine())
def test_what_asterisk_loads(name: str, keys: pairs.Keys, reader: ReadingUser) -> None:
    pairs.fine()[name](keys)
    assert judged(reader).hindrance is None


@as_root
@pytest.mark.parametrize("name", pairs.bad())
def test_what_asterisk_does_not_load(name: str, keys: pairs.Keys, reader: ReadingUser) -> None:
    make, said = pairs.bad()[name]
    make(keys)
    error = hindrance(judged(reader))
    assert said in error.message
    assert str(error.file).startswith(str(keys.folder))
    assert error.hint
    assert judged(reader).unwelcome is None, "one thing at a time"


@as_root
def test_a_pipe(keys: pairs.Keys, reader: ReadingUser) -> None:
    pairs.pipe(keys)
    error = hindrance(judged(reader))
    assert "is a pipe" in error.message


@as_root
def test_too_short_for_asterisk_s_openssl_or_not(keys: pairs.Keys, reader: ReadingUser) -> None:
    """One that Asterisk shows at this moment is not too short for it."""
    pairs.too_short(keys)
    error = hindrance(judged(reader))
    assert "1024 bits" in error.message
    assert error.file == str(keys.key)
    served = ssl.PEM_cert_to_DER_cert(keys.certificate.read_text())
    found = judged(reader, served)
    assert found.hindrance is None
    assert "1024 bits" in str(found.unwelcome)
    # But what else is wrong with it still is.
    keys.key.write_bytes(odd("a.example", key=rsa.generate_private_key(65537, 2048))[0])
    assert "does not belong" in str(judged(reader, served).hindrance)


@as_root
def test_what_browsers_have_against_it(keys: pairs.Keys, reader: ReadingUser) -> None:
    for name, said in (
        ("expired", "expired on"),
        ("not valid yet", "not valid before"),
        ("without a name", "no subjectAltName"),
        ("Ed25519", "not all browsers take"),
    ):
        pairs.fine()[name](keys)
        found = judged(reader)
        assert said in str(found.unwelcome)
        assert found.first is found.unwelcome
    pairs.fine()["good"](keys)
    assert judged(reader) == Look()


def test_openssl_may_know_more_than_we(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: object) -> None:
        raise CmpBundleError("a-code", "of an unknown kind", file=tmp_path)

    monkeypatch.setattr(loadable, "key_of", unknown)
    both = str(both_in(tmp_path))
    found = look_at(both, both, oneself(), NOW)
    assert found.hindrance is None
    assert "of an unknown kind" in str(found.unwelcome)


def test_who_may_not_look(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without root, what is closed to us need not be closed to Asterisk; nobody can say."""
    monkeypatch.setattr(readable, "is_root", lambda: False)
    monkeypatch.setattr(
        readable,
        "contents",
        lambda path, *_: Unread(Why.CLOSED, Path(path), "a file"),
    )
    error = hindrance(look_at(str(tmp_path / "a"), str(tmp_path / "a"), oneself(), NOW))
    assert error.message == "cannot be read by this user"
    assert "sudo" in str(error.hint)


def server(tmp_path: Path, *lines: str) -> HttpServer:
    text = "[general]\nenabled=yes\nbindaddr=127.0.0.1\ntlsenable=yes\n"
    (tmp_path / "http.conf").write_text(text + "".join(f"{line}\n" for line in lines))
    return http_server(conf.read("http.conf", ConfFolder(tmp_path)))


def test_only_what_the_configuration_uses(tmp_path: Path) -> None:
    off = server(tmp_path, "tlscertfile=/none.pem", "tlsenable=no")
    assert look(off, oneself(), NOW) == Look()
    nowhere = server(tmp_path, "tlscertfile=/none.pem", "enabled=no")
    assert look(nowhere, oneself(), NOW) == Look()
    used = server(tmp_path, "tlscertfile=/none.pem", f"tlscertfile={both_in(tmp_path)}")
    assert look(used, oneself(), NOW) == Look()


@pytest.mark.parametrize(
    ("lines", "said", "line"),
    [
        ([], "no tlscertfile says", 4),
        (["tlscertfile="], "tlscertfile is empty", 5),
        (["tlscertfile=keys/a.pem"], "without its whole path", 5),
        (["tlscertfile=/a.pem", "tlsprivatekey=a.key"], "tlsprivatekey = a.key", 6),
    ],
)
def test_names_that_lead_nowhere(lines: list[str], said: str, line: int, tmp_path: Path) -> None:
    error = hindrance(look(server(tmp_path, *lines), oneself(), NOW))
    assert said in error.message
    assert (error.file, error.line) == (f"{tmp_path}/http.conf", line)
    assert "begins with a slash" in str(error.hint)


def test_names_that_start_where_asterisk_was_started(tmp_path: Path) -> None:
    both_in(tmp_path).rename(tmp_path / "asterisk.pem")
    (tmp_path / "below").mkdir()
    for line, folder in (
        ("", ""),
        ("tlscertfile=asterisk.pem", ""),
        ("tlscert=../asterisk.pem", "/below"),
    ):
        named = server(tmp_path, *filter(None, [line]))
        assert look(named, oneself(), NOW, folder=f"{tmp_path}{folder}") == Look()
        error = hindrance(look(named, oneself(), NOW, folder="/nowhere"))
        assert str(error.file).endswith("asterisk.pem")
    # What it says where it may not look for itself.
    assert look(server(tmp_path), oneself(), NOW, folder="(unreachable)/x").hindrance is not None


def test_a_list_of_ciphers_that_none_is_in(tmp_path: Path) -> None:
    named = f"tlscertfile={both_in(tmp_path)}"
    # Those of TLS 1.3 are none to it (seen on 16 and 22).
    for wrong in ("NONSENSE", "TLS_AES_128_GCM_SHA256"):
        error = hindrance(look(server(tmp_path, named, f"tlscipher={wrong}"), oneself(), NOW))
        assert "knows no cipher" in error.message
        assert error.line == 6
    for right in ("", "FOO:ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-RSA-AES128-GCM-SHA256"):
        assert look(server(tmp_path, named, f"tlscipher={right}"), oneself(), NOW) == Look()


def test_in_the_words_of_a_refusal(tmp_path: Path) -> None:
    assert would_end_https(Look()) is None
    both = both_in(tmp_path, odd("a.example", begin=NOW - 2 * DAY, end=NOW - DAY))
    assert would_end_https(look_at(str(both), str(both), oneself(), NOW)) is None
    both.unlink()
    found = would_end_https(look_at(str(both), str(both), oneself(), NOW))
    assert found
    assert "would end HTTPS for everybody" in found.message
    assert found.file == str(both)
    assert found.hint
