"""One browser that has been here before: the next visit always runs the right release."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from tests.conftest import FIREFOX_IN_SOAK, SIXTEEN_IN_SOAK, Cmp
from tests.testbed.server import Asterisk
from tests.unit.bundle.phones import FILES

from . import launch

pytestmark = [pytest.mark.asterisk, pytest.mark.browser]

THREE_YEARS = 3 * 365 * 86400


def phone_of(version: str, folder: Path) -> Path:
    """A phone whose page and script both say which version they are."""
    files = FILES | {
        "index.html": FILES["index.html"].replace("Phone &amp; test", f"page {version}"),
        "two.js": f"var script = 'script {version}';",
    }
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


def grow_old(static: Path) -> None:
    """Everything deployed becomes three years old: browsers then keep it for months, unasked."""
    then = time.time() - THREE_YEARS
    for path in static.rglob("*"):
        if path.is_file():
            os.utime(path, (then, then))


@FIREFOX_IN_SOAK
@SIXTEEN_IN_SOAK
def test_never_a_mixed_page(cmp: Cmp, pbx: Asterisk, browser_name: str, tmp_path: Path) -> None:
    cmp.aim(pbx)
    for version in ("one", "two", "three"):
        source = phone_of(version, tmp_path / version)
        cmp("build", "--source", str(source), "--out", str(tmp_path / f"dist-{version}"))
    profile = tmp_path / "profile"

    def visit() -> tuple[str, str]:
        page = browser.page()
        page.goto(f"{pbx.url}/cmp2k")
        page.wait("typeof script === 'string'")
        seen = (page.eval("document.title"), page.eval("script"))
        # Whatever a page loads later, it still finds.
        assert page.eval("fetch(new URL('assets/', document.baseURI)).then((r) => r.status)") == 404
        page.close()
        return seen

    def expect(version: str) -> None:
        for _ in range(2):
            assert visit() == (f"page {version}", f"script {version}")
            grow_old(pbx.static)

    browser = launch.start(browser_name, profile)
    try:
        cmp("deploy", str(tmp_path / "dist-one"))
        grow_old(pbx.static)
        expect("one")
        cmp("deploy", str(tmp_path / "dist-two"))
        expect("two")
        cmp("rollback")
        expect("one")
        browser.close()  # what it remembers now is what it wrote to its disk
        browser = launch.start(browser_name, profile)
        cmp("deploy", str(tmp_path / "dist-two"))
        expect("two")
        cmp("deploy", str(tmp_path / "dist-three"))
        expect("three")
        cmp("rollback")
        expect("two")
        cmp("rollback", cmp("releases")["releases"][-1]["release"])
        expect("three")
    finally:
        browser.close()


@SIXTEEN_IN_SOAK
def test_a_page_opened_before_a_switch_goes_on(
    cmp: Cmp, pbx: Asterisk, browser: launch.Browser, tmp_path: Path
) -> None:
    """Its code may be asked for after the switch: it is still there, and it is the old one."""
    cmp.aim(pbx)
    for version in ("one", "two"):
        source = phone_of(version, tmp_path / version)
        cmp("build", "--source", str(source), "--out", str(tmp_path / f"dist-{version}"))
    cmp("deploy", str(tmp_path / "dist-one"))
    page = browser.page()
    page.goto(f"{pbx.url}/cmp2k")
    page.wait("typeof script === 'string'")
    app = page.eval("document.querySelector('[data-app]').dataset.app")
    cmp("deploy", str(tmp_path / "dist-two"))
    status = page.eval(
        f"fetch(new URL('{app}', document.baseURI), {{cache: 'reload'}}).then((r) => r.status)"
    )
    assert status == 200
