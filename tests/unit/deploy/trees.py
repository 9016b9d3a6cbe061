"""An Asterisk's folders without an Asterisk, bundles to deploy there, and a visitor's eye."""

from __future__ import annotations

import gzip
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from cmp_bundle import report
from cmp_bundle.asterisk import reader
from cmp_bundle.asterisk.http_conf import http_server
from cmp_bundle.asterisk.installation import Installation, Named, find
from cmp_bundle.bundle.build import build
from cmp_bundle.bundle.client import Client
from cmp_bundle.bundle.manifest import Bundle, Profiles
from cmp_bundle.deploy.plan import Planned, to_deploy, to_roll_back, to_undeploy, to_update_profiles
from cmp_bundle.deploy.survey import Survey, survey
from cmp_bundle.files import Disk
from cmp_bundle.server import server
from cmp_bundle.settings.model import Settings, SiteSettings
from tests.unit.bundle.phones import FILES, phone
from tests.unit.tls.made import odd

HTTP_CONF = b"""\
[general]
enabled=yes
bindaddr=127.0.0.1
tlsenable=yes
tlsbindaddr=127.0.0.1:8089
tlscertfile=/etc/asterisk/keys/asterisk.pem
"""
EXTENSIONS_CONF = b"[general]\nstatic=yes\n\n[phones]\nexten => 1,1,Answer()\n"
#: A command that is no Asterisk: none is running then.
NO_ASTERISK = ("false",)


@cache
def pem() -> bytes:
    """A certificate and its key, as HTTP_CONF names them."""
    return b"".join(odd("pbx.example"))


def tree(root: Path, http: bytes | None = HTTP_CONF, **files: bytes) -> Path:
    """Debian's folders below ``root``; ``files`` are more of /etc/asterisk, _conf for .conf."""
    etc = root / "etc/asterisk"
    (etc / "keys").mkdir(parents=True)
    (etc / "keys/asterisk.pem").write_bytes(pem())
    (root / "usr/share/asterisk/static-http").mkdir(parents=True)
    contents = {"extensions.conf": EXTENSIONS_CONF} | {
        name.replace("_conf", ".conf"): data for name, data in files.items()
    }
    if http is not None:
        contents["http.conf"] = http
    for name, data in contents.items():
        (etc / name).write_bytes(data)
        (etc / name).chmod(0o640)
    return root


def installation(root: Path, **settings: object) -> Installation:
    named = {"root": root, "command": NO_ASTERISK} | settings
    found = find(Named(**named))  # type: ignore[arg-type]
    assert found is not None
    return found


@cache
def bundle(version: str = "one", **site: str) -> Bundle:
    """A bundle whose page and code both say ``version``."""
    files: dict[str, str | None] = {
        "index.html": FILES["index.html"].replace("Phone &amp; test", f"version {version}"),
        "two.js": f"var version = '{version}';",
        "img/sky.png": None,
        "css/phone.css": "p { color: blue }",
    }
    settings = Settings(site=SiteSettings(**site))
    return build(phone(files), settings, Client("loader", "overlay()", ".overlay{}")).bundle


def with_profiles(made: Bundle, profiles: dict[str, bytes]) -> Bundle:
    """``made`` with these profiles."""
    about = replace(made.manifest, profiles=Profiles.of(profiles))
    return replace(made, manifest=about, profiles=profiles)


@dataclass(frozen=True)
class Outcome:
    """``url`` is where the live server was looked at; None where none was running."""

    plan: Planned
    url: str | None


class Server:
    """Deploys to a tree as the command line does, without a command line."""

    def __init__(self, root: Path, disk: Disk | None = None, **settings: object) -> None:
        self.root = root
        self.installation = installation(root, **settings)
        self.live = server.Server(self.installation)
        self.engine = server.engine_for(self.live, disk or Disk(), report.Silent(), {})

    def found(self, site: str = "cyber_mega_phone_2k", moment: int | None = None) -> Survey:
        return survey(self.installation, site, moment)

    def deploy(
        self,
        made: Bundle,
        *,
        keep: int = 3,
        moment: int | None = None,
    ) -> Outcome:
        return self._carried_out(lambda: self.to_deploy(made, keep=keep, moment=moment))

    def to_deploy(
        self,
        made: Bundle,
        *,
        keep: int = 3,
        moment: int | None = None,
    ) -> Planned:
        found = survey(self.installation, made.manifest.site, moment, wanted=made.files)
        return to_deploy(made, found, keep=keep)

    def roll_back(self, release: str | None = None) -> Outcome:
        return self._carried_out(lambda: to_roll_back(self.found(), release))

    def undeploy(self) -> Outcome:
        return self._carried_out(lambda: to_undeploy(self.found()))

    def reseal(self, profiles: dict[str, bytes]) -> Outcome:
        return self._carried_out(lambda: to_update_profiles(self.found(), profiles))

    def carry_out(self, planned: Planned) -> Outcome:
        url = self.engine.carry_out(planned, lambda: self.live.look(planned.expected))
        return Outcome(planned, url)

    def _carried_out(self, plan: Callable[[], Planned]) -> Outcome:
        with self.engine.alone():
            return self.carry_out(plan())


def visit(root: Path) -> str | None:
    """What somebody gets who opens /cmp2k: the version, None for a 404.

    Reads the tree as Asterisk would after a restart. Raises AssertionError on a torn page.
    """
    where = installation(root)
    server = http_server(reader.read("http.conf", where.files))
    redirect = server.redirect("/cmp2k")
    if redirect is None or not server.static_enabled:
        return None
    path = redirect.destination.partition("?")[0].removeprefix(f"{server.prefix}/static/")
    page = where.outside(f"{where.data.value}/static-http/{path}")
    assert page.is_file(), f"{redirect.destination} leads nowhere"
    return version_of(page)


def version_of(page: Path) -> str:
    """The version of a page on the disk, its code's and its own being the same."""
    text = page.read_text()
    said = re.search(r"version (\w+)", text)
    app = re.search(r'data-app="([^"]+)"', text)
    assert said
    assert app
    code = gzip.decompress((page.parent / app[1]).read_bytes()).decode()
    assert f'version="{said[1]}"' in code, "a mixed page"
    return said[1]


def snapshot(root: Path) -> dict[str, tuple[object, ...]]:
    """Everything below ``root``: kind, mode, owner, content."""
    seen: dict[str, tuple[object, ...]] = {}
    for path in sorted(root.rglob("*")):
        found = path.lstat()
        owner = (oct(found.st_mode), found.st_uid, found.st_gid)
        content: object = None
        if path.is_symlink():
            content = str(path.readlink())
        elif path.is_file():
            content = path.read_bytes()
        seen[str(path.relative_to(root))] = (*owner, content)
    return seen
