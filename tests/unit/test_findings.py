"""findings.toml against the code: every code is known, every known one is used."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import cmp_bundle
from cmp_bundle.errors import CmpBundleError, FindingsError, refuse
from cmp_bundle.findings import Level, finding, known
from cmp_bundle.places import Place, Row

PACKAGE = Path(cmp_bundle.__file__).parent


def names_of_errors(base: type[CmpBundleError] = CmpBundleError) -> set[str]:
    return {base.__name__}.union(*map(names_of_errors, base.__subclasses__()))


def constants() -> tuple[set[str], set[str]]:
    """The codes that findings and errors are made with, and all texts there are in the code."""
    codes, texts = set(), set()
    makers = {*names_of_errors(), "NotBegunError", "LeftError", "UnreachableError", "finding"}
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                texts.add(node.value)
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name)):
                continue
            first = node.args[0] if node.args else None
            if node.func.id in makers and isinstance(first, ast.Constant):
                codes.add(str(first.value))
    return codes, texts


def test_every_code_is_known_and_used() -> None:
    codes, texts = constants()
    assert len(codes) > 100
    assert codes <= known().keys()
    assert known().keys() <= texts


def test_what_is_said_of_a_code() -> None:
    titles = [kind.title for kind in known().values()]
    assert len(set(titles)) == len(titles)
    for kind in known().values():
        assert re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*|[NTHWRSMVOXK]\d{3}", kind.code)
        assert kind.title
        assert not kind.title.endswith(".")
        assert len(kind.title) < 80, kind.code
        assert kind.people_see
        assert kind.what_to_do
        assert re.fullmatch(r"\d+\.\d+\.\d+", kind.since)


def test_a_finding_as_text_and_as_json() -> None:
    one = finding("S101", "is not for browsers", Place("pjsip.conf", 3), "write it", "alice")
    assert one.level is Level.ERROR
    assert str(one) == "pjsip.conf:3: is not for browsers; write it"
    assert one.to_json() == {
        "code": "S101",
        "level": "error",
        "message": "is not for browsers",
        "hint": "write it",
        "file": "pjsip.conf",
        "line": 3,
        "place": "pjsip.conf:3",
        "subject": "alice",
    }
    row = finding("V101", "gets one", Row("mysql://u@h/d", "ps_endpoints", "a"))
    assert (row.level, row.file, row.line) == (Level.NOTE, None, None)
    assert str(row) == "mysql://u@h/d ps_endpoints a: gets one"


def test_an_error_carries_findings() -> None:
    error = CmpBundleError("no-file", "is not there", file=Path("/a"), line=None, hint="make it")
    assert str(error) == "/a: is not there"
    (one,) = error.findings
    assert (one.code, one.level, one.place, one.hint) == (
        "no-file",
        Level.ERROR,
        Place("/a"),
        "make it",
    )
    both = [finding("no-account", "one"), finding("no-file", "two")]
    try:
        refuse(both)
    except FindingsError as several:
        assert several.findings == tuple(both)
        assert several.code == "several"
