"""``cmp-bundle serve`` in real browsers: every phone, the practice PBX and real Asterisks."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import SIXTEEN_IN_SOAK
from tests.serving import Serve, serve
from tests.testbed.server import Asterisk

from . import phone_page
from .bidi import Page
from .launch import Browser
from .phone_page import value

pytestmark = pytest.mark.browser

#: Upstream asks for port 8089 whatever it was served from; a page of the tests' own asks for ours.
ELSEWHERE = """() => {
  const Original = WebSocket;
  window.WebSocket = class extends Original {
    constructor(url, protocols) { super(url.replace(":8089/", `:${location.port}/`), protocols); }
  };
}"""


def errors(page: Page) -> list[str]:
    return [line for line in page.log if line.startswith("error")]


def press(page: Page, button: str) -> None:
    page.session.send("browsingContext.activate", context=page.context)
    page.click(button)


def dial(page: Page, extension: str) -> None:
    page.fill("#extension", extension)
    press(page, "#call")
    page.wait(f"{value('call')} === 'Hangup'", f"{extension} to answer")


def test_the_link_of_the_demo(browser: Browser, tmp_path: Path) -> None:
    """Everything is filled in; Connect and Call show the echo, and 248 calls back."""
    with serve(tmp_path, "--practice", "--source", "builtin") as running:
        page = browser.page()
        phone_page.open_phone(page, running.url)
        assert page.eval(value("accountId")) == "demo"
        assert page.eval(value("extension")) == "246"
        phone_page.connect(page)
        for extension, pictures in (("246", 2), ("247", 5)):
            dial(page, extension)
            assert phone_page.pictures_move(page, pictures) == pictures
            press(page, "#call")
            page.wait(f"{value('call')} === 'Call'")
        page.fill("#extension", "248")
        press(page, "#call")
        page.wait(f"{value('call')} === 'Answer'", "to be called back")
        press(page, "#call")
        phone_page.pictures_move(page, 2)
        press(page, "#call")
        page.wait(f"{value('call')} === 'Call'")
        assert not errors(page), page.story()


def test_upstream_s_phone(browser: Browser, upstream_cache: Path, tmp_path: Path,
                          monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    """Fixed it fills itself in and finds the port; as it came it is typed into."""
    monkeypatch.setenv("CMP_BUNDLE_CACHE", str(upstream_cache))
    for pristine in (False, True):
        arguments = ["--practice", "--offline", *(["--pristine"] if pristine else [])]
        with serve(tmp_path, *arguments) as running:
            page = browser.page()
            if pristine:
                page.session.send(
                    "script.addPreloadScript",
                    functionDeclaration=ELSEWHERE,
                    contexts=[page.context],
                )
            phone_page.open_phone(page, running.url)
            if pristine:
                assert running.settings_text() is None
                password = running.said.rpartition("demo, password: ")[2].split()[0]
                fields = {
                    "accountId": "demo",
                    "accountPassword": password,
                    "accountHost": "localhost",
                }
                for name, text in fields.items():
                    page.fill(f"#{name}", text)
            phone_page.connect(page)
            dial(page, "246")
            phone_page.pictures_move(page, 2)
            press(page, "#call")
            page.close()


@pytest.mark.asterisk
@SIXTEEN_IN_SOAK
def test_a_real_pbx_behind_it(
    browser: Browser, pbx: Asterisk, phone_source: str, tmp_path: Path
) -> None:
    arguments = ["--source", phone_source, "--pbx", f"wss://localhost:{pbx.ports.https}/ws",
                 "--pbx-ca", str(pbx.etc / "keys/asterisk.pem")]  # fmt: skip
    with serve(tmp_path, *arguments) as running:
        page = browser.page()
        phone_page.open_phone(page, running.url)
        phone_page.fill_in(page)
        phone_page.connect(page)
        assert "alice" in pbx.rx("pjsip show contacts")
        phone_page.call(page)
        assert phone_page.pictures_move(page, at_least=5) == 5
        developer = browser.page()
        developer.goto(running.page)
        shown = developer.eval("document.getElementById('state').innerText")
        assert "alice registered" in " ".join(shown.split())
        assert "alice calls 246 talking" in " ".join(shown.split())
        press(page, "#call")
        developer.wait("document.getElementById('state').innerText.includes('over')")
        ladder = developer.eval("document.querySelector('.calls .ladder').textContent")
        assert "INVITE sip:246@" in ladder
        assert "BYE sip:" in ladder
        assert "Authorization: (masked)" in ladder
        assert "response=" not in ladder
        press(page, "#connect")
        page.wait(f"{value('connect')} === 'Connect'")
        assert not errors(page), page.story()


def test_wrong_password_and_numbers_that_come_to_nothing(browser: Browser, tmp_path: Path) -> None:
    with serve(tmp_path, "--practice", "--source", "builtin") as running:
        page = browser.page()
        phone_page.open_phone(page, running.url)
        right = page.eval(value("accountPassword"))
        page.fill("#accountPassword", "wrong")
        press(page, "#connect")
        message = "document.getElementById('message').textContent"
        page.wait(f"{message}.includes('does not accept this ID and password')")
        page.fill("#accountPassword", right)
        phone_page.connect(page)
        page.fill("#extension", "249")
        press(page, "#call")
        page.wait(f"{message}.includes('249 is busy')")
        page.fill("#extension", "250")
        press(page, "#call")
        page.wait("document.body.innerText.includes('Ringing')")
        press(page, "#call")
        page.wait(f"{value('call')} === 'Call'")
        assert cancelled(running)


def cancelled(running: Serve) -> bool:
    return "CANCEL sip:250@" in running.shown()
