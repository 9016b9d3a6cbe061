"""How many visitors a second a real Asterisk serves: the phone as it came, and packed."""

from __future__ import annotations

import http.client
import re
import ssl
import subprocess
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from posixpath import join, normpath
from urllib.parse import urlsplit

from tests.conftest import Cmp
from tests.testbed import roots
from tests.testbed.server import Asterisk, running

RELEASE = roots.RELEASES["22"]

#: Browsers at a time, each with one kept connection, and the seconds that each way is tried.
VISITORS = 8
SECONDS = 5.0


def why_not() -> str | None:
    """Why no Asterisk can be had; None where one can, and then its tree is made."""
    reason = roots.why_not()
    if reason:
        return reason
    try:
        roots.build(RELEASE)
    except subprocess.CalledProcessError as error:
        return f"no Asterisk {RELEASE.version}: {error.cmd[0]} failed"
    return None


def measured(source: str, base: Path) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = [("", "a visit", "requests", "visits/s", "times plain")]
    reason = why_not()
    if reason:
        return [*rows, ("not measured", "-", "-", "-", reason)]
    folder = base / "visits"
    folder.mkdir()
    with running(RELEASE) as pbx:
        plain = 0.0
        for name, flags in (("as it came", ("--pristine", "--no-pack")), ("packed", ())):
            cmp = Cmp(folder)
            cmp.aim(pbx)
            cmp.environment["CMP_BUNDLE_STATE"] = str(folder / "state")
            cmp("build", "--source", source, *flags)
            cmp("deploy")
            paths, size = _visit(pbx)
            rate = _rate(pbx, paths)
            plain = plain or rate
            visit = (f"{size / 1000:.0f} kB", str(len(paths)))
            rows.append((name, *visit, f"{rate:.0f}", f"{rate / plain:.1f}"))
    return rows


def _visit(pbx: Asterisk) -> tuple[list[str], int]:
    """What a browser asks for when somebody opens the phone, and the bytes of it."""
    line = _connection(pbx.ports.https)
    location = _get(line, "/cmp2k")[1] or ""
    page = _get(line, location)[0].decode()
    found = re.search(r'<base href="([^"]+)"', page)
    folder = join(urlsplit(location).path.rpartition("/")[0], found[1] if found else "")
    # The loader's own attribute first: beside it stands what browsers without gzip take.
    names = re.findall(r'data-app="([^"]+)"|<(?:script|link)[^>]* (?:src|href)="([^":]+)"', page)
    paths = [location, *(normpath(join(folder, app or link)) for app, link in names)]
    size = sum(len(_get(line, path)[0]) for path in paths)
    line.close()
    return paths, size


def _rate(pbx: Asterisk, paths: list[str]) -> float:
    with ProcessPoolExecutor(VISITORS) as pool:
        visitors = [pool.submit(_visitor, pbx.ports.https, paths) for _ in range(VISITORS)]
        return sum(visitor.result() for visitor in visitors)


def _visitor(port: int, paths: list[str]) -> float:
    """Visits a second of one browser that comes again and again."""
    line = _connection(port)
    began = time.perf_counter()
    visits = 0
    while (took := time.perf_counter() - began) < SECONDS:
        for path in paths:
            _get(line, path)
        visits += 1
    line.close()
    return visits / took


def _connection(port: int) -> http.client.HTTPSConnection:
    context = ssl._create_unverified_context()
    return http.client.HTTPSConnection("localhost", port, timeout=30, context=context)


def _get(line: http.client.HTTPSConnection, path: str) -> tuple[bytes, str | None]:
    line.request("GET", path)
    answer = line.getresponse()
    body = answer.read()
    if answer.status not in (200, 302):
        raise ConnectionError(f"{path}: {answer.status}")
    return body, answer.headers["Location"]
