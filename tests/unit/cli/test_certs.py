"""The certs command, as somebody types it; its browsers are databases in a home of their own."""

from __future__ import annotations

import datetime as dt
import json
import os
import shutil
import ssl
import stat
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from cmp_bundle.cli.app import DONE, MISTAKE, USAGE
from cmp_bundle.tls import system_store, trust
from cmp_bundle.tls.anchor import CERTIFICATE
from cmp_bundle.tls.authority import KEY
from cmp_bundle.tls.leaf import read
from cmp_bundle.tls.system_store import SystemStore
from tests.unit.programs import needed
from tests.unit.tls.made import odd
from tests.unit.tls.serving import handshake

from .people import Result, Typist

PROGRAMS = ("certutil", "mkdir")
FIREFOX = ".mozilla/firefox/abc.default"


@dataclass
class Machine(Typist):
    """With somebody's home."""

    home: Path
    command = ("certs",)

    @property
    def certs(self) -> Path:
        return self.folder / "certs"

    @property
    def ca(self) -> bytes:
        return (self.certs / CERTIFICATE).read_bytes()

    def __call__(self, *words: str) -> Result:
        return self.run(*words)


@pytest.fixture
def certs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Machine:
    """With Chromium's database and a Firefox profile, none of the machine's own, no system store."""
    programs, home, folder = tmp_path / "bin", tmp_path / "home", tmp_path / "here"
    for path in (programs, folder, home / ".pki/nssdb", home / FIREFOX):
        path.mkdir(parents=True)
    (home / FIREFOX / "../profiles.ini").write_text("[Profile0]\nIsRelative=1\nPath=abc.default\n")
    # Nothing else is found, the program that changes the system's store above all.
    for name in PROGRAMS:
        (programs / name).symlink_to(needed(name))
    monkeypatch.setenv("PATH", str(programs))
    monkeypatch.setenv("HOME", str(home))
    for name in ("XDG_CONFIG_HOME", "XDG_DATA_HOME", "SUDO_UID"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(folder)
    return Machine(folder, capsys, home)


# issue -------------------------------------------------------------------------------------------


def test_the_first_certificate(certs: Machine) -> None:
    done = certs("issue", "pbx.example.com", "192.0.2.7")
    assert done.code == DONE
    path = certs.certs / "pbx.example.com.pem"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(certs.certs.stat().st_mode) == 0o700
    assert "made a local certificate authority" in done.err
    warning = (
        f"warning: browsers that trust this authority believe whatever {certs.certs / KEY} signs"
    )
    assert warning in done.err
    assert done.out.splitlines()[:3] == [
        f"{path}: certificate and key for",
        "  pbx.example.com",
        "  192.0.2.7",
    ]
    assert f"provision --cert {path} --key {path}" in done.out
    assert "next: cmp-bundle certs trust" in done.out
    for name in ("pbx.example.com", "192.0.2.7"):
        handshake(path.read_bytes(), certs.ca, name)


def test_the_second_says_less(certs: Machine) -> None:
    certs("issue", "pbx.lan")
    done = certs("issue", "other.lan", "--out", "other.pem")
    assert done.err == ""
    handshake((certs.folder / "other.pem").read_bytes(), certs.ca, "other.lan")


def test_as_json(certs: Machine) -> None:
    made = certs.json("issue", "*.lab.lan", "::1")
    assert made["file"] == str(certs.certs / "_wildcard.lab.lan.pem")
    assert made["names"] == ["*.lab.lan", "::1"]
    assert made["authority"]["fresh"] is True
    assert made["authority"]["file"] == str(certs.certs / CERTIFICATE)
    assert made["trusted_by"] == []
    end = dt.datetime.fromisoformat(made["not_after"])
    assert end == read(Path(made["file"])).not_after
    assert "PRIVATE" not in json.dumps(made)
    assert certs.json("issue", "::1")["file"] == str(certs.certs / "__1.pem")


def test_never_overwritten_without_force(certs: Machine) -> None:
    certs("issue", "pbx.lan")
    before = certs.content()
    assert certs.refused("issue", "pbx.lan").splitlines() == [
        f"error file-exists: {certs.certs / 'pbx.lan.pem'}: already exists, and is not replaced",
        "       name another file: --out FILE; or replace it: --force",
    ]
    assert certs("issue", "pbx.lan", "--force").code == DONE
    after = certs.content()
    assert {path for path in after if after[path] != before[path]} == {
        str(certs.certs / "pbx.lan.pem")
    }


@pytest.mark.parametrize("name", [CERTIFICATE, KEY])
def test_force_never_costs_the_authority(name: str, certs: Machine) -> None:
    certs("issue", "pbx.lan")
    certs.refused("issue", "pbx.lan", "--out", f"certs/{name}", "--force")
    certs.refused("ca", "--export", f"certs/{KEY}", "--force")


@pytest.mark.parametrize(
    ("host", "said"),
    [
        ("https://pbx.lan:8089/cmp2k", "not for a URL"),
        ("*.com", "top-level domain"),
        ("", "it is empty"),
        ("a..b", "is empty"),
    ],
)
def test_what_browsers_refuse_is_not_made(host: str, said: str, certs: Machine) -> None:
    assert said in certs.refused("issue", "pbx.lan", host)
    assert certs.content() == {}, "not even the authority"


def test_out_of_bounds(certs: Machine) -> None:
    certs("issue", "pbx.lan")
    certs.refused("issue", "pbx.example.com", "--json")
    error = json.loads(certs("issue", "pbx.example.com", "--json").out)["error"]
    assert "cannot sign for pbx.example.com" in error["message"]
    assert error["hint"].startswith(
        "make one that can: cmp-bundle certs ca --new --allow pbx.example.com"
    )
    assert certs("ca", "--new", "--allow", "example.com").code == DONE
    assert certs("issue", "pbx.example.com").code == DONE


def test_called_wrongly(certs: Machine) -> None:
    assert certs("issue").code == USAGE
    assert certs("nothing").code == USAGE
    certs.refused("issue", "pbx.lan", "--folder", "none/certs")
    assert certs("issue", "pbx.lan", "--out", "none/pbx.pem").code == MISTAKE


def test_beside_the_settings(certs: Machine, tmp_path: Path) -> None:
    project = tmp_path / "project"
    project.mkdir()
    (project / "cmp-bundle.toml").write_text("")
    done = certs.json("issue", "pbx.lan", "--config", str(project / "cmp-bundle.toml"))
    assert done["file"] == str(project / "certs/pbx.lan.pem")
    assert certs.json("show", "--folder", str(project / "certs"))["folder"] == str(
        project / "certs"
    )


# show --------------------------------------------------------------------------------------------


def test_show_without_an_authority(certs: Machine) -> None:
    error = certs.refused("show")
    assert "there is no certificate authority here yet" in error
    assert "make one: cmp-bundle certs issue HOST" in error


def test_show_all(certs: Machine) -> None:
    certs("issue", "pbx.lan")
    certs("issue", "ca-pbx.lan")
    (certs.certs / "broken.pem").write_text("no certificate")
    (certs.certs / "office.pem").write_bytes(odd("office.example")[1])
    shown = certs("show")
    assert shown.code == DONE
    heads = [line for line in shown.out.splitlines() if not line.startswith(" ")]
    assert heads == [
        str(certs.certs / name)
        for name in (CERTIFICATE, "broken.pem", "ca-pbx.lan.pem", "office.pem", "pbx.lan.pem")
    ]
    assert "  for          a certificate authority" in shown.out
    assert "  for          ca-pbx.lan" in shown.out
    assert "395 days left" in shown.out
    assert "cannot be read: it contains no certificate in PEM" in shown.out
    assert f"not known: {certs.certs / CERTIFICATE} did not sign it" in shown.out
    assert shown.out.count("no browser here; next: cmp-bundle certs trust") == 3
    data = certs.json("show")["certificates"]
    assert [Path(c["file"]).name for c in data] == [
        CERTIFICATE,
        "ca-pbx.lan.pem",
        "office.pem",
        "pbx.lan.pem",
    ]
    assert [c["trusted_by"] for c in data] == [[], [], None, []]


def test_show_one(certs: Machine) -> None:
    """Any at all, without an authority of one's own."""
    key, certificate = odd()
    (certs.folder / "asterisk.pem").write_bytes(key + certificate)
    shown = certs("show", "asterisk.pem")
    assert "no subjectAltName" in shown.out
    assert "trusted by" not in shown.out
    fingerprint = certs.json("show", "asterisk.pem")["certificates"][0]["sha256"]
    openssl = shutil.which("openssl", path="/usr/bin:/bin:/usr/local/bin")
    if openssl is not None:
        command = [openssl, "x509", "-in", "asterisk.pem", "-noout", "-fingerprint", "-sha256"]
        said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        assert said.strip().endswith(fingerprint)
    old = odd("a.lan", end=dt.datetime.now(dt.UTC) - dt.timedelta(minutes=1))[1]
    (certs.folder / "old.pem").write_bytes(old)
    assert ", expired" in certs("show", "old.pem").out
    certs.refused("show", "none.pem")


# trust and untrust -------------------------------------------------------------------------------


def listed(folder: Path) -> str:
    command = ["certutil", "-L", "-d", f"sql:{folder}"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


@pytest.mark.slow
def test_there_and_back(certs: Machine) -> None:
    chromium, firefox = certs.home / ".pki/nssdb", certs.home / FIREFOX
    done = certs("trust")
    assert done.code == DONE, done
    assert "made a local certificate authority" in done.err
    name = certs.json("ca")["name"]
    steps = [line for line in done.err.splitlines() if line.startswith("$ ")]
    assert steps == [
        f"$ certutil {words} -d sql:{folder} {more}"
        for folder in (chromium, firefox)
        for words, more in (
            ("-N", "--empty-password"),
            ("-A", f"-t C,, -n '{name}' < {certs.certs / CERTIFICATE}"),
        )
    ]
    assert done.out.splitlines() == [
        f"Chromium ({chromium}): trusts it now",
        f"Firefox (profile abc.default) ({firefox}): trusts it now",
        "restart the browsers that are running",
        "to undo this: cmp-bundle certs untrust",
    ]
    for folder in (chromium, firefox):
        assert name in listed(folder)
    again = certs("trust")
    assert again.out.count("already trusts it") == 2
    assert "started again" not in again.out
    assert again.err == ""
    assert f"trusted by   Chromium ({chromium}), Firefox" in certs("ca").out
    assert len(certs.json("issue", "pbx.lan")["trusted_by"]) == 2
    assert "next: cmp-bundle certs trust" not in certs("issue", "other.lan").out

    back = certs.json("untrust")
    assert back["changed"] is True
    assert [s["state"] for s in back["stores"]] == ["no longer trusts it"] * 2
    for folder in (chromium, firefox):
        assert name not in listed(folder)
    assert certs.json("untrust")["changed"] is False
    assert certs("untrust").out.count("does not trust it") == 2


@pytest.mark.slow
def test_the_system_s_store_takes_root(
    certs: Machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without it, it is left out, with the lines to type; with it, it is told as the others."""
    anchors, bundle = tmp_path / "anchors", tmp_path / "bundle.crt"
    anchors.mkdir()
    refresh = tmp_path / "bin/refresh-store"
    refresh.write_text(f"#!/bin/sh\nPATH=/usr/bin:/bin; cat {anchors}/*.crt > {bundle}; true\n")
    refresh.chmod(0o755)
    words = ("refresh-store",)
    monkeypatch.setattr(
        system_store, "KNOWN", (SystemStore(anchors, ".crt", words, words, bundle),)
    )
    monkeypatch.setattr(trust, "is_root", lambda: False)
    done = certs("trust")
    assert f"the system's store ({anchors}): skipped: it needs root" in done.out
    assert f"  sudo install -m 644 {certs.certs / CERTIFICATE} {anchors}/cmp-bundle-" in done.out
    assert "  sudo refresh-store" in done.out
    assert list(anchors.iterdir()) == []
    monkeypatch.setattr(trust, "is_root", lambda: True)
    assert f"the system's store ({anchors}): trusts it now" in certs("trust").out
    assert certs.ca.strip() in bundle.read_bytes()
    assert f"the system's store ({anchors}): no longer trusts it" in certs("untrust").out
    assert bundle.read_bytes() == b""


def test_dry_run_changes_nothing(certs: Machine) -> None:
    certs.refused("trust", "--dry-run")
    assert certs.content() == {}, "the authority, too, is only made when it is meant"
    certs("issue", "pbx.lan")
    done = certs("trust", "--dry-run")
    assert done.code == DONE
    chromium = certs.home / ".pki/nssdb"
    assert done.out.splitlines()[:2] == [
        f"Chromium ({chromium}): to be done",
        f"  certutil -N -d sql:{chromium} --empty-password",
    ]
    assert not list(chromium.iterdir())
    assert certs.json("trust", "--dry-run")["changed"] is True, "that is what would be"
    assert not list(chromium.iterdir())
    certs("trust")
    done = certs("untrust", "--dry-run")
    assert f"  certutil -D -d sql:{chromium}" in done.out
    assert len(certs.json("ca")["trusted_by"]) == 2


def test_one_that_fails_is_told_at_the_end(certs: Machine) -> None:
    """And the other is told to believe it all the same."""
    chromium, firefox = certs.home / ".pki/nssdb", certs.home / FIREFOX
    (chromium / "cert9.db").write_text("no database")
    done = certs("trust")
    assert done.code == MISTAKE
    assert f"Firefox (profile abc.default) ({firefox}): trusts it now" in done.err
    assert f"error program-failed: {chromium}: Chromium: certutil failed" in done.err
    assert certs.json("ca")["name"] in listed(firefox)
    assert "not known" in certs("ca").out
    (firefox / "cert9.db").write_text("no database")
    assert "2 stores could not be changed" in certs.refused("untrust")


def test_without_certutil(certs: Machine, tmp_path: Path) -> None:
    (tmp_path / "bin/certutil").unlink()
    done = certs("trust")
    assert done.code == MISTAKE
    assert "certutil is not installed" in done.err
    assert done.err.count("it comes with Mozilla's NSS") == 1
    assert certs("issue", "pbx.lan").code == DONE, "nobody needs it for a certificate"


def test_without_any_browser(certs: Machine) -> None:
    shutil.rmtree(certs.home / ".pki")
    shutil.rmtree(certs.home / ".mozilla")
    done = certs("trust")
    assert done.code == DONE
    assert done.out == "no trust store was found, neither a browser's nor the system's\n"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can work for somebody else")
def test_behind_sudo(certs: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SUDO_UID", "65534")
    certs("issue", "pbx.lan")
    done = certs("trust")
    assert "who called sudo" in done.err
    assert str(certs.home) not in done.out, "root's HOME is not meant"


# ca ----------------------------------------------------------------------------------------------


def test_the_authority(certs: Machine) -> None:
    certs.refused("ca")
    certs("issue", "pbx.example.com")
    shown = certs("ca")
    assert "  signs for    private names; " in shown.out
    assert "pbx.example.com and all below; " in shown.out
    assert "  private      localhost, test, local" in shown.out
    assert "; private addresses\n" in shown.out
    data = certs.json("ca")
    assert "pbx.example.com" in data["domains"]
    assert "192.168.0.0/16" in data["networks"]
    assert data["trusted_by"] == []


def test_export(certs: Machine) -> None:
    certs("issue", "pbx.lan")
    pem = certs("ca", "--export", "-").out
    assert pem.encode() == certs.ca
    ssl.create_default_context(cadata=pem)
    assert certs.json("ca", "--export", "-")["pem"] == pem
    done = certs("ca", "--export", "ca.crt")
    assert done.out.startswith("ca.crt: the certificate of cmp-bundle ")
    path = certs.folder / "ca.crt"
    assert path.read_bytes() == certs.ca
    assert stat.S_IMODE(path.stat().st_mode) == 0o644
    path.write_text("theirs")
    assert "--force" in certs.refused("ca", "--export", "ca.crt")
    assert certs.json("ca", "--export", "ca.crt", "--force")["exported"] == str(path)
    assert path.read_bytes() == certs.ca


def test_never_exported_through_a_link(certs: Machine) -> None:
    certs("issue", "pbx.lan")
    real = certs.folder / "real.crt"
    real.write_text("old")
    (certs.folder / "link.crt").symlink_to("real.crt")
    assert f"name it: --export {real}" in certs.refused("ca", "--export", "link.crt", "--force")
    assert certs("ca", "--export", str(real), "--force").code == DONE


def test_a_new_one(certs: Machine) -> None:
    made = certs.json("ca", "--allow", "example.com")
    assert "example.com" in made["domains"]
    error = certs.refused("ca", "--allow", "example.org")
    assert "cannot sign for example.org" in error
    assert "add --new" in error
    assert certs("ca", "--allow", "pbx.example.com").code == DONE, "that it may"
    new = certs.json("ca", "--new", "--allow", "example.org")
    assert new["sha256"] != made["sha256"]
    assert {"example.com", "example.org"} <= set(new["domains"])
    certs.refused("ca", "--new", "--allow", "*")
    assert certs.json("ca")["sha256"] == new["sha256"]


@pytest.mark.slow
def test_none_is_replaced_that_browsers_still_believe(certs: Machine) -> None:
    certs("trust")
    error = certs.refused("ca", "--new")
    assert "still trusted by Chromium" in error
    assert "certs untrust" in error
    certs("untrust")
    assert certs("ca", "--new").code == DONE


def test_a_new_one_where_browsers_cannot_be_asked(certs: Machine) -> None:
    certs("issue", "pbx.lan")
    (certs.home / ".pki/nssdb/cert9.db").write_text("no database")
    done = certs("ca", "--new")
    assert done.code == DONE
    assert "warning: whether browsers trust the old authority is not known" in done.err


# A stranger's authority --------------------------------------------------------------------------


@pytest.fixture
def clone(certs: Machine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Machine:
    """What somebody else made lies in certs, its key too, with the modes that ours have."""
    state = os.environ["XDG_STATE_HOME"]
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "mallory"))
    assert certs("ca", "--allow", "bank.com", "--allow", "203.0.113.7").code == DONE
    monkeypatch.setenv("XDG_STATE_HOME", state)
    return certs


@pytest.mark.parametrize("words", [("trust",), ("trust", "--dry-run"), ("trust", "--json")])
def test_a_stranger_s_is_not_believed(words: tuple[str, ...], clone: Machine) -> None:
    done = clone(*words)
    assert done.code == MISTAKE
    said = done.err + done.out
    for part in (
        str(clone.certs / CERTIFICATE),
        "bank.com",
        "203.0.113.7",
        "did not make it here",
        "until",
    ):
        assert part in said
    assert "cmp-bundle certs ca --new" in said
    assert "certutil" not in said, "no line to type either"
    assert not list((clone.home / ".pki/nssdb").iterdir())
    assert clone.json("ca")["trusted_by"] == []


def test_it_is_forgotten_all_the_same(clone: Machine) -> None:
    """Whatever an earlier version, or a person, put there."""
    folder = clone.home / ".pki/nssdb"
    subprocess.run(["certutil", "-N", "-d", f"sql:{folder}", "--empty-password"], check=True)
    add = ["certutil", "-A", "-d", f"sql:{folder}", "-t", "C,,", "-n", "theirs"]
    subprocess.run([*add, "-i", str(clone.certs / CERTIFICATE)], check=True)
    assert "theirs" in listed(folder)
    assert clone("ca", "--new").code == MISTAKE, "not before it is forgotten"
    (clone.certs / KEY).unlink()
    assert "no longer trusts it" in clone("untrust").out
    assert "theirs" not in listed(folder)


def test_nothing_of_it_goes_into_a_new_one(clone: Machine) -> None:
    done = clone("ca", "--new", "--allow", "pbx.example.com")
    assert done.code == DONE
    assert "was not made here, so the new one does not take over its limits" in done.err
    made = clone.json("ca")
    assert "pbx.example.com" in made["domains"]
    assert "bank.com" not in made["domains"]
    assert "203.0.113.7/32" not in made["networks"]
    assert clone("trust").code == DONE


def test_what_one_of_ours_was_asked_for_is_kept(certs: Machine) -> None:
    certs("ca", "--allow", "example.com", "--allow", "dev", "--allow", "203.0.113.7")
    made = certs.json("ca", "--new", "--allow", "192.0.2.7")
    assert "example.com" in made["domains"]
    assert "dev" in made["hosts"]
    assert {"203.0.113.7/32", "192.0.2.7/32"} <= set(made["networks"])
    done = certs("ca", "--new", "--allow", "pbx.dev")
    assert done.code == DONE
    assert "warning: the old authority could sign for dev, the new one cannot" in done.err


def test_a_public_address_takes_a_wider_one(certs: Machine) -> None:
    certs("issue", "pbx.lan")
    error = certs.refused("issue", "203.0.113.7")
    assert "cannot sign for 203.0.113.7" in error
    assert "cmp-bundle certs ca --new --allow 203.0.113.7" in error
    assert certs("ca", "--new", "--allow", "203.0.113.7").code == DONE
    assert certs("issue", "203.0.113.7", "192.168.1.7").code == DONE
    assert "; private addresses; 203.0.113.7\n" in certs("ca").out
