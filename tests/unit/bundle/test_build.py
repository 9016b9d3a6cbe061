from __future__ import annotations

import gzip
import json
import os
import re
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cmp_bundle.bundle.build import build, inert_json
from cmp_bundle.bundle.client import Client
from cmp_bundle.bundle.page import Page
from cmp_bundle.checks.static_names import served_badly
from cmp_bundle.errors import CmpBundleError
from cmp_bundle.phone.model import Phone
from cmp_bundle.settings.model import AccountSettings, BuildSettings, Settings

from .phones import PAGE, phone

GOLDEN = Path(__file__).parent / "golden"
CLIENT = Client("/* the loader */", "/* the overlay */ overlay()", ".overlay{}")


def files_of(phone: Phone, **how: object) -> dict[str, bytes]:
    settings = Settings(build=replace(BuildSettings(), **how))  # type: ignore[arg-type]
    return dict(build(phone, settings, CLIENT).bundle.files)


def code(files: dict[str, bytes]) -> str:
    """The packed code, which must be the same gzipped and plain."""
    packed = next(d for p, d in files.items() if p.endswith(".bin"))
    plain = next(d for p, d in files.items() if re.fullmatch(r"assets/app-\w+\.js", p))
    scripts = gzip.decompress(packed).decode().split("\0")
    assert plain.decode() == "".join(f";{s}\n" for s in scripts)
    return plain.decode()


@pytest.mark.parametrize("how", ["packed", "plain", "pristine", "plain-pristine"])
def test_golden(how: str) -> None:
    """The whole bundle, file by file; write anew with CMP_BUNDLE_GOLDEN=write and read the diff."""
    files = files_of(phone(), pack="plain" not in how, pristine="pristine" in how)
    readable = {p: d for p, d in files.items() if not p.endswith(".bin")}
    code(files) if "plain" not in how else None
    folder = GOLDEN / how
    if os.environ.get("CMP_BUNDLE_GOLDEN") == "write":
        for path, data in readable.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_bytes(data)
    golden = {
        p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()
    }
    assert readable == golden


def test_scripts_keep_their_order() -> None:
    text = code(files_of(phone()))
    order = ["function one", "order=", "function show", "undeclared", ".onclick", "overlay()"]
    places = [text.index(part) for part in order]
    assert places == sorted(places)
    # A directive is the first statement of a script or nothing: no file makes all others strict.
    assert text.startswith(";")


@pytest.mark.parametrize("pack", [True, False])
def test_a_policy_of_the_phone_s_own(pack: bool) -> None:
    """Browsers hold a page to each, and the phone's forbids the scripts of the bundle."""
    policy_meta = """<meta http-equiv="Content-Security-Policy" content="script-src 'self'">"""
    text = PAGE.replace("<title>", f"{policy_meta}<title>")
    settings = Settings(build=replace(BuildSettings(), pack=pack))
    built = build(phone({"index.html": text}), settings, CLIENT)
    assert [w.message for w in built.warnings] == [
        "the bundle's policy replaces the page's Content-Security-Policy"
    ]
    page = Page(built.bundle.files["index.html"].decode())
    policies = [e for e in page.all("meta") if e.get("http-equiv")]
    assert len(policies) == 1
    assert "default-src 'none'" in (policies[0].get("content") or "")


def test_handlers_leave_the_page() -> None:
    files = files_of(phone())
    page = Page(files["index.html"].decode())
    marked = next(e for e in page.elements if e.get("data-cmp-on") == "0")
    assert marked.get("id") == "account"
    assert not [n for e in page.elements for n, _ in e.attributes if n.startswith("on")]
    assert "show('account-modal')" in code(files) or 'show("account-modal")' in code(files)


def test_what_no_browser_asks_for_is_not_published() -> None:
    for files in (files_of(phone()), files_of(phone(), pack=False)):
        names = {p.rsplit("/", 1)[-1] for p in files}
        assert not names & {"README.md", "LICENSE", ".gitignore"}
        licences = next(d for p, d in files.items() if "licences-" in p)
        assert b"Copyright (c) 2026 Nobody" in licences
        assert any(p.endswith("img/sky.png") for p in files)


def test_what_editors_leave_is_not_published() -> None:
    left = {"two.js~": "x", "lib/.one.js.swp": "x", "css/#phone.css#": "x"}
    assert files_of(phone(dict(left)), pack=False) == files_of(phone(), pack=False)


def test_everything_but_the_page_is_named_by_its_content() -> None:
    one, two = files_of(phone()), files_of(phone({"img/sky.png": "another"}))
    for path in set(one) & set(two) - {"index.html"}:
        assert one[path] == two[path]
    assert all(re.search(r"-[0-9a-f]{12}|/[0-9a-f]{12}/", p) for p in one if p != "index.html")


def test_notices_of_copyright_stay() -> None:
    text = code(files_of(phone()))
    head = text[: text.index("*/")]
    for notice in (
        "A phone for tests, Copyright (C) 2026 Nobody",
        "one.js",
        "phone.css, MIT License",
    ):
        assert notice in head


def test_same_inputs_same_bytes() -> None:
    assert files_of(phone()) == files_of(phone())


@pytest.mark.parametrize(
    ("changes", "line", "says"),
    [
        ({"lib/one.js": None}, 9, "lib/one.js, but the phone has no such file"),
        ({"css/phone.css": None}, 7, "css/phone.css"),
        (
            {"index.html": PAGE.replace("<script>\n", '<script type="module">\n', 1)},
            10,
            "is a module",
        ),
        (
            {"index.html": PAGE.replace("lib/one.js", "https://cdn.example/one.js")},
            9,
            "is loaded from another server",
        ),
        ({"index.html": PAGE.replace("lib/one.js", "../one.js")}, 9, "../one.js"),
        ({"index.html": PAGE.replace('id="accountHost"', "")}, None, "the id accountHost"),
        ({"index.html": PAGE.replace("<title>", "<base href=x><title>")}, 6, "has a <base>"),
    ],
)
def test_what_does_not_fit_stops_the_build(
    changes: dict[str, str | None], line: int | None, says: str
) -> None:
    with pytest.raises(CmpBundleError) as caught:
        files_of(phone(changes))
    assert (caught.value.file, caught.value.line) == ("index.html", line)
    assert says in caught.value.message


def test_a_script_that_cannot_be_parsed_is_named() -> None:
    with pytest.raises(CmpBundleError) as caught:
        files_of(phone({"two.js": "let let = ("}))
    assert caught.value.file == "two.js"
    assert any(p.endswith("two.js") for p in files_of(phone({"two.js": "let let = ("}), pack=False))


def test_pristine_leaves_out_what_is_ours() -> None:
    files = files_of(phone({"index.html": PAGE.replace('id="accountHost"', "")}), pristine=True)
    assert b"cmp-bundle-settings" not in files["index.html"]
    assert "overlay" not in code(files)


def test_what_asterisk_serves_badly_is_told() -> None:
    built = build(phone({"mod.mjs": "1", "private/x.js": "1"}), Settings(), CLIENT)
    found = served_badly(built)
    assert {(str(w.file).rsplit("/", 1)[-1], w.message.split(":")[0]) for w in found} == {
        ("mod.mjs", "Asterisk sends it as text/mjs"),
        ("x.js", "Asterisk answers 403 below /private/ without a manager's web session"),
    }


def test_the_visit_is_counted() -> None:
    built = build(phone(), Settings(), CLIENT)
    files = built.bundle.files
    app = next(d for p, d in files.items() if p.endswith(".bin"))
    assert built.bundle.manifest.visit.requests == 2
    assert built.bundle.manifest.visit.bytes == len(files["index.html"]) + len(app)
    # The page, three files, and /favicon.ico.
    assert built.before.requests == 5


@given(st.text())
def test_no_value_ends_the_json(value: str) -> None:
    text = inert_json({"x": value})
    assert text.isascii()
    assert not set(text) & set("<>&\u2028")
    assert json.loads(text)["x"] == value
    page = Page(f'<script type="application/json">{text}</script><p>')
    assert [e.tag for e in page.elements] == ["script", "p"]


HOSTILE = [
    "</script><script>alert(1)</script>", "<!--", "]]>", "\u2028\u2029", "\u202e\u200f", '"\\"', "'",
    "&quot;", "\x00\x1b", "\ud800",
]  # fmt: skip


@pytest.mark.parametrize("value", HOSTILE)
@pytest.mark.parametrize("pack", [True, False])
def test_a_hostile_value_arrives_as_written(value: str, pack: bool) -> None:
    settings = Settings(
        build=BuildSettings(pack=pack), account=AccountSettings(id=value, dial=value)
    )
    page = Page(build(phone(), settings, CLIENT).bundle.files["index.html"].decode())
    element = next(e for e in page.elements if e.get("id") == "cmp-bundle-settings")
    assert json.loads(element.text)["account"]["id"] == value
