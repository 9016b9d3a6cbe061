"""Which fixes a build leaves out, and where they go in."""

from __future__ import annotations

import gzip
import json
from dataclasses import replace
from pathlib import Path

import pytest

from cmp_bundle.bundle import fixes
from cmp_bundle.bundle.build import build
from cmp_bundle.bundle.client import Client, client
from cmp_bundle.bundle.client import fixes as known
from cmp_bundle.bundle.page import Page
from cmp_bundle.errors import CmpBundleError
from cmp_bundle.phone.cache import Cache
from cmp_bundle.phone.fetch import fetch
from cmp_bundle.phone.model import Phone
from cmp_bundle.phone.source import parse
from cmp_bundle.report import Silent
from cmp_bundle.settings.model import BuildSettings, Settings

from .phones import phone

CLIENT = Client("loader()", "overlay()", ".overlay{}", "fixes()", ".fixes{}")
#: Bytes of a visit, all of ours included.
MOST = {"upstream": 81_000, "builtin": 76_000}


def build_of(phone: Phone, **how: object) -> tuple[str, str, dict[str, object] | None]:
    """The code, the page, and the settings in it."""
    settings = Settings(build=replace(BuildSettings(), **how))  # type: ignore[arg-type]
    files = build(phone, settings, CLIENT).bundle.files
    code = next((gzip.decompress(d).decode() for p, d in files.items() if p.endswith(".bin")), "")
    code += "".join(d.decode() for p, d in files.items() if p.endswith((".js", ".css")))
    page = files["index.html"].decode()
    in_page = next((e for e in Page(page).elements if e.get("id") == "cmp-bundle-settings"), None)
    return code, page, json.loads(in_page.text) if in_page else None


def test_what_can_be_fixed_is_said_in_a_sentence() -> None:
    ids = [fix.id for fix in known()]
    # There is no D27.
    assert ids == [f"D{number}" for number in range(1, 30) if number != 27]
    for fix in known():
        assert fix.reason.endswith("."), fix.id
        assert 3 < len(fix.name) < 30, fix.id


@pytest.mark.parametrize("pack", [True, False])
def test_they_go_before_the_overlay_into_every_phone_but_the_built_in_one(pack: bool) -> None:
    code, page, in_page = build_of(phone(), pack=pack)
    assert 0 < code.index("fixes()") < code.index("overlay()")
    assert ".overlay{}.fixes{}" in page + code
    assert in_page is not None
    assert "without" not in in_page
    builtin_phone = replace(phone(), source="builtin")
    for other in (build_of(builtin_phone, pack=pack), build_of(phone(), pack=pack, pristine=True)):
        assert "fixes" not in other[0] + other[1]


def test_what_is_left_out_is_told_to_the_page() -> None:
    in_page = build_of(phone(), without=("d13", "D1", "D13"))[2]
    assert in_page is not None
    assert in_page["without"] == ["D1", "D13"]


def test_a_fix_that_there_is_not_is_named_with_the_nearest() -> None:
    with pytest.raises(CmpBundleError) as caught:
        build_of(phone(), without=("D1", "D133"))
    assert "D133" in caught.value.message
    assert "did you mean D13?" in caught.value.message
    assert caught.value.hint == "list all fixes: cmp-bundle fixes"


def test_only_what_is_known_by_its_content_is_left_out() -> None:
    assert fixes.dead(()) - fixes.dead(("D19",))
    assert fixes.digest("function one() {}") not in fixes.dead(())
    assert "one" in build_of(phone())[0]


@pytest.mark.slow
@pytest.mark.upstream
def test_a_visit_costs_little(upstream_cache: Path) -> None:
    for source, most in MOST.items():
        there = fetch(parse(source), Cache(upstream_cache), Silent())
        visit = build(there, Settings(), client()).bundle.manifest.visit
        assert visit.requests == 2
        assert visit.bytes <= most, source
        if source == "upstream":
            old = BuildSettings(without=("D19",))
            more = build(there, Settings(build=old), client()).bundle.manifest.visit
            assert more.bytes > visit.bytes + 4_000, "plan B is part of it again"
