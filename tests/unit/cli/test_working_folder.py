"""A phone that is edited where everything else lies too: what of it a build publishes."""

from __future__ import annotations

import base64

import pytest

from cmp_bundle.accounts.model import ha1
from cmp_bundle.bundle import manifest
from tests.unit.bundle.phones import FILES, lay

from .people import Desk

pytestmark = pytest.mark.slow

OWN = '[[account]]\nid = "alice"\npassword = "own-password"\n'
PEM = f"-----BEGIN PRIVATE KEY-----\n{base64.encodebytes(bytes(range(256))).decode()}"


@pytest.fixture(name="at")
def _at(at: Desk, monkeypatch: pytest.MonkeyPatch) -> Desk:
    monkeypatch.setenv("CMP_BUNDLE_PHONE_SOURCE", "folder:.")
    lay(at.folder, FILES)
    at.write(OWN)
    return at


def names(at: Desk) -> set[str]:
    """The published files, without the folders that are named by their content."""
    paths = manifest.read(at.folder / "dist").files
    return {path.split("/", 2)[-1] if path.startswith("assets/") else path for path in paths}


@pytest.mark.parametrize("flags", [(), ("--no-pack",)], ids=["packed", "not packed"])
def test_what_lies_beside_a_phone_is_not_published(at: Desk, flags: tuple[str, ...]) -> None:
    at("build", *flags)
    alone = names(at)
    lay(
        at.folder,
        {
            "certs/ca-key.pem": PEM,
            "certs/ca.pem": "x",
            ".env": "TOKEN=x",
            ".ENV.local": "TOKEN=x",
            "cmp-bundle.toml": '[accounts]\nrealm = "office"\ndatabase_password_file = "sql.txt"\n',
            "sql.txt": "of the database",
            ".ssh/id_rsa": PEM,
            "id_rsa": PEM,
            ".npmrc": "//registry/:_authToken=x",
            "index.html.bak": "old",
            "old-bundle/manifest.json": (at.folder / "dist/manifest.json").read_text(),
            "old-bundle/p/abc.bin": "x",
        },
    )
    (at.folder / "sql.txt").chmod(0o600)
    said = at("build", *flags)
    assert names(at) == alone
    assert not (at.folder / "dist/certs").exists()
    for name in ("certs/ca-key.pem", ".env", ".ENV.local", "index.html.bak"):
        assert f"{name}: is left out" in said
    assert (
        "folder:.: left out files of cmp-bundle itself:"
        " accounts.toml, cmp-bundle.key, cmp-bundle.toml, dist, old-bundle, sql.txt" in said
    )


def test_wherever_the_settings_put_it(at: Desk) -> None:
    at("build", "--out", "web")
    alone = manifest.read(at.folder / "web").files.keys()
    (at.folder / "staff.txt").write_text("")
    at.key.rename(at.folder / "of-links")
    at.accounts.rename(at.folder / "people.toml")
    lay(
        at.folder,
        {"settings.toml": '[accounts]\nfile = "people.toml"\n[links]\nkey = "of-links"\n'},
    )
    at("build", "--config", "settings.toml", "--out", "web")
    again = manifest.read(at.folder / "web").files.keys()
    assert (at.folder / "of-links").exists()
    assert not [p for p in again if p.endswith(("people.toml", "settings.toml", "of-links"))]
    assert (
        len(again) == len(alone) + 1
    )  # staff.txt, which is the phone's for all that anybody knows


@pytest.mark.parametrize("flags", [(), ("--no-pack",)], ids=["packed", "not packed"])
def test_a_private_key_under_any_name_stops_the_build(at: Desk, flags: tuple[str, ...]) -> None:
    at("build")
    lay(at.folder, {"notes.txt": f"for the new server:\n{PEM}\n"})
    said = at.refused("build", *flags)
    assert "notes.txt: holds a private key, and everybody could read it" in said
    assert "remove it" in said


@pytest.mark.parametrize("realm", ["asterisk", "pbx.example.com", "10.0.0.5"])
def test_a_digest_where_no_realm_is_known(
    at: Desk, realm: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of an account that is not in pjsip.conf; whoever has its HA1 has the account."""
    at.write('[[account]]\nid = "zoe"\npassword = "own-password"\nhost = "10.0.0.5"\n')
    at("build")
    digest = ha1("zoe", realm, "own-password")
    for text in (digest, digest.upper(), base64.b64encode(digest.encode()).decode()):
        monkeypatch.setenv("CMP_BUNDLE_ACCOUNT_DIAL", text)
        assert "index.html: holds the HA1 of zoe" in at.refused("build")
    monkeypatch.setenv("CMP_BUNDLE_ACCOUNT_DIAL", ha1("zoe", realm, "another"))
    at("build")
