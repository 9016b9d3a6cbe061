"""The main job, whole: fetch, build, deploy, open /cmp2k, Connect, Call, see the echo."""

from __future__ import annotations

import pytest

from tests.conftest import SIXTEEN_IN_SOAK, Cmp
from tests.testbed.server import Asterisk

from . import phone_page
from .launch import Browser

pytestmark = [pytest.mark.asterisk, pytest.mark.browser]

#: Bytes of a visit, by the phone.
MOST = {"builtin": 76_000, "upstream": 81_000}


def test_from_nothing_to_an_echo(
    cmp: Cmp, pbx: Asterisk, browser: Browser, phone_source: str
) -> None:
    cmp.aim(pbx)
    cmp.environment |= {
        "CMP_BUNDLE_PHONE_SOURCE": phone_source,
        "CMP_BUNDLE_ACCOUNT_ID": "alice",
        "CMP_BUNDLE_ACCOUNT_DIAL": "246",
    }
    cmp("fetch")
    built = cmp("build")
    assert built["warnings"] == []
    assert built["manifest"]["visit"]["requests"] == 2
    assert built["manifest"]["visit"]["bytes"] <= MOST[phone_source]
    cmp("deploy")

    page = browser.page()
    phone_page.open_phone(page, f"{pbx.url}/cmp2k")
    assert page.eval("location.pathname") == "/cmp2k", "what is bookmarked is the redirect"
    assert page.eval(phone_page.value("accountId")) == "alice"
    assert page.eval(phone_page.value("extension")) == "246"
    asked = [r for r in page.requests if r["url"].startswith("https:")]
    assert [r["status"] for r in asked] == [302, 200, 200]

    phone_page.fill_in(page)
    phone_page.connect(page)
    for _ in range(2):  # and call again
        phone_page.call(page)
        assert phone_page.pictures_move(page, at_least=5) == 5
        phone_page.hang_up(page)
    page.click("#connect")
    page.wait(f"{phone_page.value('connect')} === 'Connect'")
    assert "0 active channels" in pbx.rx("core show channels")
    assert not [line for line in page.log if line.startswith("error")], page.story()


@SIXTEEN_IN_SOAK
def test_unpacked_and_pristine(
    cmp: Cmp, pbx: Asterisk, browser: Browser, phone_source: str
) -> None:
    """Unpacked the phone works as well; pristine it is upstream's own, bound to port 8089."""
    cmp.aim(pbx)
    cmp("build", "--source", phone_source, "--no-pack")
    cmp("deploy")
    page = browser.page()
    phone_page.open_phone(page, f"{pbx.url}/cmp2k")
    phone_page.fill_in(page)
    phone_page.connect(page)
    phone_page.call(page)
    phone_page.pictures_move(page, at_least=5)
    page.close()

    cmp("build", "--source", phone_source, "--pristine")
    cmp("deploy")
    page = browser.page()
    phone_page.open_phone(page, f"{pbx.url}/cmp2k")
    assert page.eval("location.pathname").startswith("/static/")
    assert not [line for line in page.log if line.startswith("error")], page.story()
