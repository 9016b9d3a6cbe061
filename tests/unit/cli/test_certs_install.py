"""certs install, renew and hook, as somebody types them; the Asterisk is not running."""

from __future__ import annotations

import datetime as dt
import os
import shlex
import subprocess
from pathlib import Path

import pytest
from cryptography import x509

from cmp_bundle.cli.app import MISTAKE, USAGE
from cmp_bundle.commands import given_certificate, installed_certificate
from cmp_bundle.tls.leaf import read
from tests.unit.nobody import NOBODY, needs_root, open_folder
from tests.unit.tls.lineage import Lineage, issued
from tests.unit.tls.made import DAY, a_leaf, odd, the_authority

from .people import Desk

pytestmark = pytest.mark.slow

SITE = "https://pbx.example.com:8089"


@pytest.fixture
def ready(at: Desk, monkeypatch: pytest.MonkeyPatch) -> Desk:
    """HTTPS has its certificate from the local authority; nothing says where people open the phone."""
    monkeypatch.delenv("CMP_BUNDLE_SITE_URL")
    etc = at.root / "etc/asterisk"
    (etc / "http.conf").write_text("[general]\nbindaddr=127.0.0.1\n")
    (etc / "confbridge.conf").write_text("[general]\n")
    (etc / "rtp.conf").write_text("[general]\nrtpstart=10000\nrtpend=20000\n")
    at("accounts", "add", "olive", "--extension", "101")
    at("provision")
    return at


@pytest.fixture
def lineage(tmp_path: Path) -> Lineage:
    made = Lineage(tmp_path / "letsencrypt", "pbx.example.com")
    made.renew()
    return made


def pem(at: Desk) -> Path:
    return at.root / "etc/asterisk/cmp-bundle/https.pem"


def serial(at: Desk) -> int:
    return x509.load_pem_x509_certificate(pem(at).read_bytes()).serial_number


# install -----------------------------------------------------------------------------------------


def test_by_its_files_or_by_its_name(
    ready: Desk, lineage: Lineage, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = (
        "--cert",
        str(lineage.folder / "fullchain.pem"),
        "--key",
        str(lineage.folder / "privkey.pem"),
    )
    done = ready.json("certs", "install", *files)
    assert done["changed"]
    assert (done["url"], done["signed_by"]) == (None, "Test E5")
    assert done["names"] == ["pbx.example.com", "localhost"]
    assert not ready.json("certs", "install", "--certbot", str(lineage.folder))["changed"]
    monkeypatch.setattr(given_certificate, "LIVE", lineage.config / "live")
    assert not ready.json("certs", "install", "--certbot", lineage.name)["changed"]
    monkeypatch.setenv("RENEWED_LINEAGE", str(lineage.folder))
    new = lineage.renew()
    assert ready.json("certs", "install")["changed"]
    assert serial(ready) == new
    said = ready("certs", "install")
    assert "it was there already; nothing was changed" in said
    assert "this takes effect when it starts" in said


def test_what_names_no_certificate(
    ready: Desk, lineage: Lineage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(given_certificate, "LIVE", lineage.config / "live")
    assert "name it: --cert FILE --key FILE" in ready.refused("certs", "install")
    assert "belong together" in ready.refused("certs", "install", "--cert", "x.pem")
    both = ready.refused("certs", "install", "--certbot", "a", "--key", "x.pem")
    assert "leave out --cert and --key" in both
    gone = ready.refused("certs", "install", "--certbot", "b.example.com")
    assert "error no-file" in gone
    assert "there is: pbx.example.com" in gone
    assert "certbot certificates" in ready.refused(
        "certs", "install", "--certbot", "/nowhere/at/all"
    )


def test_without_what_signed_it(ready: Desk, lineage: Lineage) -> None:
    key, leaf, _ = issued("pbx.example.com")
    lineage.put(key, leaf)
    (note, *_) = ready.json("certs", "install", "--certbot", str(lineage.folder))["notes"]
    assert "the certificate of Test E5, which signed it, is missing" in note


def test_of_another_site(ready: Desk, lineage: Lineage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CMP_BUNDLE_SITE_URL", SITE)
    lineage.put(*issued("www.example.com"))
    said = ready.refused("certs", "install", "--certbot", str(lineage.folder))
    assert "error certificate-other-names" in said
    assert "is for www.example.com, and not for pbx.example.com" in said
    assert "cmp-bundle provision --cert FILE --key FILE" in said
    taken = ready.json("provision", "--certbot", str(lineage.folder))
    assert any("browsers warn there" in note for note in taken["notes"])
    lineage.renew()
    assert ready.json("certs", "install", "--certbot", str(lineage.folder))["notes"] == []


def test_of_others_than_the_one_before(ready: Desk, lineage: Lineage) -> None:
    """After our own authority's it may be for any name; from then on for the same."""
    first = ready.json("certs", "install", "--certbot", str(lineage.folder))
    assert "127.0.0.1" in first["notes"][0]
    lineage.put(*issued("pbx.example.com"))
    second = ready.json("certs", "install", "--certbot", str(lineage.folder))
    assert "is not for localhost:" in second["notes"][0]
    lineage.put(*issued("www.example.com"))
    said = ready.refused("certs", "install", "--certbot", str(lineage.folder))
    assert "error certificate-other-names" in said


def test_a_file_that_asterisk_s_user_has_spoiled(ready: Desk, lineage: Lineage) -> None:
    secret = ready.root / "secret"
    secret.write_text("of root")
    for content in (b"nonsense", None, secret):
        pem(ready).unlink()
        if isinstance(content, Path):
            pem(ready).symlink_to(content)
        elif content:
            pem(ready).write_bytes(content)
        assert ready.json("certs", "install", "--certbot", str(lineage.folder))["changed"]
        assert serial(ready) == lineage.renewals[-1]
    assert secret.read_text() == "of root"


def test_not_provisioned(at: Desk, lineage: Lineage) -> None:
    said = at.refused("certs", "install", "--certbot", str(lineage.folder))
    assert "error certificate-elsewhere" in said
    assert "from /etc/asterisk/keys/asterisk.pem, and not from" in said
    (at.root / "etc/asterisk/http.conf").write_text("[general]\n")
    assert "error T101" in at.refused("certs", "renew")


@needs_root
def test_in_another_user_s_folder_root_reads_what_that_user_may(ready: Desk) -> None:
    """That user could lead root to a key of root's, and have it given to Asterisk."""
    key, leaf, chain = issued("pbx.example.com")
    with open_folder() as folder:
        roots, theirs = folder / "roots-key.pem", folder / "theirs"
        theirs.mkdir()
        roots.write_bytes(key)
        roots.chmod(0o600)
        (theirs / "fullchain.pem").write_bytes(leaf + chain)
        (theirs / "privkey.pem").symlink_to(roots)
        for path in (theirs, *theirs.iterdir()):
            os.chown(path, NOBODY, NOBODY, follow_symlinks=False)
        said = ready.refused("certs", "install", "--certbot", str(theirs))
        assert "error unreadable" in said
        assert "privkey.pem" in said
        os.chown(roots, NOBODY, NOBODY)
        assert ready.json("certs", "install", "--certbot", str(theirs))["changed"]


# renew -------------------------------------------------------------------------------------------


def at_moment(monkeypatch: pytest.MonkeyPatch, moment: dt.datetime) -> None:
    monkeypatch.setattr(installed_certificate, "now", lambda: moment)


def test_when_it_is_time(ready: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    before, old = serial(ready), read(pem(ready))
    said = ready("certs", "renew")
    assert "it was there already; nothing was changed" in said
    lasts = old.not_after - old.certificate.not_valid_before_utc
    due = old.certificate.not_valid_before_utc + lasts * 2 / 3
    assert f"it will be renewed from {due:%Y-%m-%d} on" in said
    at_moment(monkeypatch, due - DAY)
    assert not ready.json("certs", "renew")["changed"]
    at_moment(monkeypatch, due + DAY)
    planned = ready.json("certs", "renew", "--dry-run")
    assert planned["changed"]
    assert serial(ready) == before
    done = ready.json("certs", "renew")
    assert done["changed"]
    assert serial(ready) != before
    new = read(pem(ready))
    assert new.names == old.names
    assert new.key.public_key() != old.key.public_key()


def test_by_age_and_by_share(ready: Desk) -> None:
    old = read(pem(ready))
    begin = old.certificate.not_valid_before_utc

    def due(text: str) -> dt.datetime:
        said = ready.json("certs", "renew", "--if-older", text, "--dry-run")["due"]
        return dt.datetime.fromisoformat(said)

    assert due("90") == begin + 90 * DAY
    assert due("0") == begin
    assert due("1") == begin + DAY
    assert due("0.5") == due("1/2") == begin + (old.not_after - begin) / 2
    for wrong in ("-1", "2.5", "3/2", "1/0", "a", "", "1e9", "1000000", "0x10"):
        assert ready.run("certs", "renew", f"--if-older={wrong}").code == USAGE, wrong


def test_only_what_the_authority_here_has_signed(ready: Desk) -> None:
    """Asterisk's user could ask for a certificate for anybody."""
    for own in (
        b"".join(odd("bank.lan")),
        a_leaf(the_authority(), "bank.lan").pem,
        b"".join(odd("bank.lan", signer=the_authority())),
    ):
        pem(ready).write_bytes(own)
        said = ready.refused("certs", "renew", "--if-older", "0")
        assert "error certificate-foreign" in said
    # One whose key is not there is nobody's own.
    ready("certs", "issue", "bank.lan", "--out", "bank.pem")
    stolen = read(ready.folder / "bank.pem").pem.partition(b"-----END PRIVATE KEY-----\n")[2]
    pem(ready).write_bytes(odd("x.lan")[0] + stolen)
    assert "error T105" in ready.refused("certs", "renew", "--if-older", "0")


def test_without_the_authority(ready: Desk) -> None:
    (ready.folder / "certs").rename(ready.folder / "elsewhere")
    assert "error no-authority" in ready.refused("certs", "renew")
    done = ready.json("certs", "renew", "--folder", "elsewhere", "--if-older", "0")
    assert done["changed"]


def test_an_authority_that_ends_itself(ready: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    ca = x509.load_pem_x509_certificate((ready.folder / "certs/ca.pem").read_bytes())
    at_moment(monkeypatch, ca.not_valid_after_utc - 30 * DAY)
    assert ready.json("certs", "renew")["changed"], "as long as there is something to win"
    before = serial(ready)
    at_moment(monkeypatch, ca.not_valid_after_utc - 5 * DAY)
    done = ready.json("certs", "renew", "--if-older", "0")
    assert not done["changed"]
    assert "with its authority" in done["notes"][0]
    assert serial(ready) == before


# hook --------------------------------------------------------------------------------------------


def config_in(folder: Path) -> Path:
    folder.mkdir()
    file = folder / "cmp-bundle.toml"
    file.write_text(f'[site]\nurl = "{SITE}"\n')
    return file


ODD = "a folder with 'quotes', $HOME, 50% and \"more\""


def test_a_script_for_certbot(here_is: Path, at: Desk) -> None:
    config = config_in(here_is / ODD)
    done = at.run("certs", "hook", "certbot", "--config", str(config))
    assert "renewal-hooks/deploy/cmp-bundle" in done.err
    assert "provision --certbot pbx.example.com" in done.err
    assert done.out.startswith("#!/bin/sh\n")
    assert subprocess.run(["sh", "-n"], input=done.out, text=True, check=False).returncode == 0
    words = shlex.split(done.out.rpartition("exec ")[2])
    assert words[-4:] == ["certs", "install", "--config", str(config)]
    assert Path(words[0]).is_absolute()
    # The same script, with another program in its place.
    script = done.out.replace(shlex.join(words[:-4]), "echo")
    for lineage, said in (
        ("/etc/letsencrypt/live/pbx.example.com", f"certs install --config {config}\n"),
        ("/etc/letsencrypt/live/xpbx.example.com", ""),
        ("/etc/letsencrypt/live/pbx.example.com-0001", ""),
        ("", ""),
    ):
        ran = subprocess.run(
            ["sh", "-c", script], env={"RENEWED_LINEAGE": lineage} if lineage else {},
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert (ran.returncode, ran.stdout, ran.stderr) == (0, said, ""), lineage


def test_a_command_for_acme_sh(here_is: Path, at: Desk) -> None:
    config = config_in(here_is / ODD)
    done = at.run("certs", "hook", "acme.sh", "x.example.com", "--config", str(config))
    words = shlex.split(done.out)
    assert words[:5] == ["acme.sh", "--install-cert", "-d", "x.example.com", "--reloadcmd"]
    ran = subprocess.run(
        ["sh", "-c", words[5].replace(words[5].partition(" certs ")[0], "printf '%s|'", 1)],
        env={"CERT_FULLCHAIN_PATH": "/a b/full", "CERT_KEY_PATH": "/k"},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    said = f"certs|install|--config|{config}|--cert|/a b/full|--key|/k|"
    assert ran.stdout == said


def test_a_timer_for_systemd(here_is: Path, at: Desk) -> None:
    config = config_in(here_is / ODD)
    done = at.run("certs", "hook", "systemd", "--config", str(config))
    assert subprocess.run(["sh", "-n"], input=done.out, text=True, check=False).returncode == 0
    assert "| sh" in done.err
    (line,) = (x for x in done.out.splitlines() if x.startswith("ExecStart="))
    escaped = str(config).replace('"', '\\"').replace("%", "%%").replace("$", "$$")
    folder = str(config.parent / "certs").replace('"', '\\"').replace("%", "%%").replace("$", "$$")
    assert line.endswith(f' certs renew --config "{escaped}" --folder "{folder}"')


def test_what_a_later_run_would_lack(
    here_is: Path, at: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CMP_BUNDLE_STATE")
    config = config_in(here_is / "x")
    words = ("certs", "hook", "certbot", "--config", str(config))
    done = at.run(*words)
    assert "asterisk.root" in done.err, "which the environment sets"
    assert "export" not in done.out
    monkeypatch.setenv("CMP_BUNDLE_STATE", "/var/lib/elsewhere")
    assert "export CMP_BUNDLE_STATE=/var/lib/elsewhere\n" in at.run(*words).out


@needs_root
def test_settings_of_somebody_behind_sudo(
    here_is: Path, at: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = config_in(here_is / "x")
    for path in (config, config.parent):
        os.chown(path, NOBODY, NOBODY)
    monkeypatch.setenv("SUDO_UID", str(NOBODY))
    done = at.run("certs", "hook", "certbot", "--config", str(config))
    assert "export CMP_BUNDLE_TRUST_OWNER=65534\n" in done.out
    assert "belongs to nobody, so nobody decides what root does" in done.err


def test_a_hook_for_nobody(at: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CMP_BUNDLE_SITE_URL")
    assert "certs hook certbot pbx.example.com" in at.refused("certs", "hook", "certbot")
    assert at.run("certs", "hook", "cron").code == USAGE
    assert at.run("certs", "hook", "acme.sh").code == MISTAKE


@pytest.fixture
def here_is(tmp_path: Path) -> Path:
    """Where settings lie that are named by their path."""
    found = tmp_path / "settings"
    found.mkdir()
    return found


def test_as_json(at: Desk) -> None:
    assert at.json("certs", "hook", "systemd")["name"] is None
    assert at.json("certs", "hook", "certbot")["name"] == "pbx.example.com"
