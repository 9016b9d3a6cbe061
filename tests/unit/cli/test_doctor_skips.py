"""What [doctor] skip leaves out, and what becomes of it when its day has passed."""

from __future__ import annotations

import datetime as dt

import pytest

from cmp_bundle.cli.app import DONE, MISTAKE

from .people import Desk, Typist

TODAY = dt.datetime.now(dt.UTC).date()


#: What the desk's Asterisk lacks: HTTPS.
CODE = "T101"


@pytest.fixture
def examined(at: Desk, monkeypatch: pytest.MonkeyPatch) -> Desk:
    """One whose Asterisk is stopped, so that its files alone are looked at."""
    monkeypatch.delenv("CMP_BUNDLE_SITE_URL")
    (at.root / "etc/asterisk/http.conf").write_text("[general]\nenabled=yes\n")
    (at.root / "etc/asterisk/pjsip.conf").write_text("")
    return at


def skip(here: Typist, code: str, until: dt.date) -> None:
    entry = f'{{code = "{code}", why = "there is none yet", until = {until}}}'
    (here.folder / "cmp-bundle.toml").write_text(f"[doctor]\nskip = [\n  {entry},\n]\n")


def codes_of(found: dict[str, list[dict[str, str]]]) -> list[str]:
    return [one["code"] for one in found["findings"]]


def test_left_out_until_a_day(examined: Desk) -> None:
    skip(examined, CODE, TODAY)
    found = examined.json("doctor")
    assert found["ok"]
    assert codes_of(found) == []
    assert found["skipped"] == [{"code": CODE, "why": "there is none yet", "until": str(TODAY)}]
    assert CODE not in found["passed"]
    done = examined.run("doctor")
    assert (
        f"left out until {TODAY} by [doctor] skip, because 'there is none yet': {CODE}" in done.out
    )


def test_its_day_has_passed(examined: Desk) -> None:
    skip(examined, CODE, TODAY - dt.timedelta(days=1))
    done = examined.run("doctor")
    assert done.code == MISTAKE
    assert f"{CODE} error" in done.out
    assert (
        f"skip-expired warning: {examined.folder}/cmp-bundle.toml:3: {CODE} was to be" in done.out
    )
    assert "left out until" in done.out
    assert examined.run("doctor", "--skip", CODE).code == DONE


def test_asked_for_by_name(examined: Desk) -> None:
    skip(examined, CODE, TODAY)
    done = examined.run("doctor", "--only", CODE)
    assert done.code == MISTAKE
    assert f"{CODE} error" in done.out


def test_as_config_shows_it(examined: Desk) -> None:
    skip(examined, "T101", TODAY)
    assert (
        f'skip = [{{code = "T101", why = "there is none yet", until = {TODAY}}}]'
        in examined.run("config").out
    )
    shown = examined.json("config")["settings"]["doctor.skip"]
    assert shown["value"] == [
        {"code": "T101", "why": "there is none yet", "until": str(TODAY), "line": 3}
    ]


def test_a_code_that_there_is_not(examined: Desk) -> None:
    skip(examined, "T999", TODAY)
    assert "cmp-bundle.toml:3" in examined.refused("doctor")
