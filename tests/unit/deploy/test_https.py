"""``deploy --enable-https`` looks at the certificate and the key before it turns anything on."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from cmp_bundle.asterisk.includes import Https
from cmp_bundle.errors import CmpBundleError
from tests.unit.tls.made import DAY, NOW, odd

from .trees import Server, bundle, snapshot, tree

#: Where Asterisk would see it; the disk has it below the root.
PEM = "/etc/asterisk/keys/pbx.pem"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tree(tmp_path / "root", b"")


def plan(root: Path, certificate: str = PEM, key: str = PEM) -> None:
    https = Https(certificate, key, "0.0.0.0:8089")
    Server(root).to_deploy(bundle(), https=https)


def refused(root: Path, certificate: str = PEM, key: str = PEM) -> CmpBundleError:
    before = snapshot(root)
    with pytest.raises(CmpBundleError) as caught:
        plan(root, certificate, key)
    assert snapshot(root) == before
    return caught.value


def test_paths_are_as_asterisk_sees_them(root: Path) -> None:
    (root / PEM[1:]).write_bytes(b"".join(odd("pbx.example")))
    plan(root)
    said = refused(root, key="/etc/asterisk/keys/none.key")
    assert said.file == str(root / "etc/asterisk/keys/none.key")
    assert "as Asterisk sees them" in str(said.hint)


def test_through_a_symlink_of_the_system_s_own(root: Path) -> None:
    """As certbot has them: an absolute link means a file below that root."""
    live = root / "etc/letsencrypt/live"
    live.mkdir(parents=True)
    (live / "pbx.pem").write_bytes(b"".join(odd("pbx.example")))
    (root / PEM[1:]).symlink_to("/etc/letsencrypt/live/pbx.pem")
    plan(root)


@pytest.mark.parametrize(
    ("pair", "said"),
    [
        (odd("pbx.example", begin=NOW - 2 * DAY, end=NOW - DAY), "expired on"),
        (odd(), "no subjectAltName"),
        ((odd("pbx.example")[0], odd("pbx.example")[1]), "does not belong"),
        ((b"", odd("pbx.example")[1]), "no private key"),
        ((odd("pbx.example")[0], b""), "no certificate in PEM"),
    ],
    ids=["expired", "nameless", "of two pairs", "no key", "no certificate"],
)
def test_what_no_browser_would_take(pair: tuple[bytes, bytes], said: str, root: Path) -> None:
    (root / PEM[1:]).write_bytes(b"".join(pair))
    error = refused(root)
    assert said in error.message
    assert error.file == str(root / PEM[1:])


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can look as Asterisk's user")
def test_what_asterisk_could_not_read(root: Path) -> None:
    (root / "etc/passwd").write_text("asterisk:x:4711:4711::/:/bin/false\n")
    for path in (root, root / "etc", root / "etc/asterisk", root / "etc/asterisk/keys"):
        path.chmod(0o755)
    pem = root / PEM[1:]
    pem.write_bytes(b"".join(odd("pbx.example")))
    pem.chmod(0o600)
    said = refused(root)
    assert "Asterisk runs as asterisk, who cannot read this file" in said.message
    assert said.file == str(pem)
    os.chown(pem, 4711, 4711)
    plan(root)
