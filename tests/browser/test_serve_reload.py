"""Live reload as the page sees it: it ends on the last edit, and tells of one that does not build."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.serving import Serve, serve
from tests.testbed.server import free_ports
from tests.unit.bundle.phones import FILES
from tests.unit.devserver.saving import SAVES

from . import launch
from .launch import Browser

pytestmark = pytest.mark.browser

#: What the page's own bar says, which no style of the phone reaches.
BAR = """[...document.documentElement.children]
  .map((element) => element.shadowRoot?.textContent ?? "").join("")"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        path = tmp_path / "phone" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path


@pytest.fixture
def running(folder: Path) -> Iterator[Serve]:
    with serve(folder, "--source", "phone") as made:
        yield made


#: livereload's script is connected, so that what it does is what is seen.
READY = "window.LiveReload?.connector?.protocol > 0"


def test_a_style_sheet_is_swapped_in_place(running: Serve, browser: Browser, folder: Path) -> None:
    page = browser.page()
    page.goto(running.url)
    page.wait(READY)
    page.eval("window.kept = 1")
    for colour in ("rgb(1, 2, 3)", "rgb(4, 5, 6)"):
        (folder / "phone/css/phone.css").write_text(f"body {{ color: {colour}; }}")
        page.wait(f"getComputedStyle(document.body).color === '{colour}'")
        assert page.eval("window.kept") == 1, "what was typed into the page is still there"
    (folder / "phone/two.js").write_text("window.edited = true")
    page.wait("window.edited")
    assert page.eval("window.kept ?? null") is None


def test_an_edit_that_does_not_build(running: Serve, browser: Browser, folder: Path) -> None:
    page = browser.page()
    page.goto(running.url)
    page.wait(READY)
    page.eval("window.kept = 1")
    settings = folder / "cmp-bundle.toml"
    settings.write_text("[account]\ndial = \n")
    page.wait(f"({BAR}).includes('does not build')")
    assert f"{settings}:2" in running.shown()
    assert str(settings) not in page.eval(BAR), "the page may be a stranger's"
    assert page.eval("document.getElementById('connect').value") == "Connect"
    index = folder / "phone/index.html"
    good = index.read_text()
    settings.write_text("")
    page.wait(f"({BAR}) === ''")
    index.write_text(good.replace('id="accountHost"', ""))
    page.wait(f"({BAR}).includes('does not build')")
    assert "accountHost" in running.shown()
    index.write_text(good)
    page.wait(f"({BAR}) === ''")
    assert page.eval("window.kept") == 1, "nothing was reloaded for it"


def test_a_server_that_comes_back(browser: Browser, folder: Path) -> None:
    port = str(free_ports(1)[0])
    with serve(folder, "--source", "phone", "--port", port) as running:
        page = browser.page()
        page.goto(running.url)
        page.wait(READY)
    (folder / "phone/two.js").write_text("window.edited = true")
    with serve(folder, "--source", "phone", "--port", port):
        page.wait("window.edited")


@pytest.mark.slow
@pytest.mark.parametrize("edits", [100, pytest.param(1000, marks=pytest.mark.soak)])
def test_many_edits(folder: Path, edits: int) -> None:
    """Both browsers at once, gaps of up to half a second, every kind of save."""
    rng = random.Random(5)
    script = folder / "phone/lib/one.js"
    for name in ("chromium", "firefox"):
        if launch.missing(name):
            pytest.skip(f"{name} is not installed")
    with ExitStack() as stack:
        running = stack.enter_context(serve(folder, "--source", "phone"))
        browsers = [stack.enter_context(launch.browsing(n)) for n in ("chromium", "firefox")]
        pages = [browser.page() for browser in browsers]
        for page in pages:
            page.goto(running.url)
            page.wait(READY)
        number = 0
        while number < edits:
            for _ in range(rng.randint(1, 25)):
                number += 1
                rng.choice(SAVES)(
                    script, f"window.edit = {number}; function one() {{ return []; }}"
                )
                time.sleep(rng.choice((0, 0.002, rng.random() * 0.06, rng.random() * 0.5)))
            for page in pages:
                page.wait(f"window.edit === {number}", f"edit {number}")
