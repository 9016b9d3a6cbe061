"""findings.toml against the code: every code is known, every known one is used or the doctor's."""

from __future__ import annotations

import ast
import re
from collections import Counter
from pathlib import Path

import cmp_bundle
from cmp_bundle.doctor.way import Part
from cmp_bundle.errors import CmpBundleError, FindingsError, refuse
from cmp_bundle.findings import Kind, Level, finding, known, symptoms
from cmp_bundle.places import Place, Row

PACKAGE = Path(cmp_bundle.__file__).parent

#: How many codes each part of the way from a browser to Asterisk has.
WAY = {
    "N": 13,
    "T": 20,
    "H": 14,
    "W": 10,
    "R": 24,
    "S": 24,
    "M": 22,
    "V": 8,
    "O": 7,
    "X": 5,
    "K": 4,
}


def the_doctors() -> dict[str, Kind]:
    return {code: kind for code, kind in known().items() if kind.on_the_way}


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
    assert known().keys() - the_doctors().keys() <= texts


def test_what_is_said_of_a_code() -> None:
    titles = [kind.title for kind in known().values()]
    assert len(set(titles)) == len(titles)
    for kind in known().values():
        assert re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*|[A-Z]\d{3}", kind.code)
        assert kind.title
        assert not kind.title.endswith(".")
        assert len(kind.title) < 80, kind.code
        assert kind.people_see
        assert kind.what_to_do
        assert re.fullmatch(r"\d+\.\d+\.\d+", kind.since)


def test_the_doctors_codes_are_complete_and_in_the_order_of_the_way() -> None:
    codes = [code for code in known() if code in the_doctors()]
    assert codes == list(known())[-len(codes) :], "after the words"
    assert len(codes) == 151
    assert [part.value for part in Part] == list(WAY)
    assert Counter(code[0] for code in codes) == WAY
    assert codes == [f"{part}{number}" for part in WAY for number in range(101, 101 + WAY[part])]


def test_what_is_said_of_the_doctors_codes() -> None:
    for kind in the_doctors().values():
        assert kind.why, kind.code
        assert kind.looks, kind.code
        assert len(kind.why) > 60, kind.code
        assert symptoms().keys() >= set(kind.symptoms), kind.code
        assert len(set(kind.symptoms)) == len(kind.symptoms), kind.code
        # Only what nobody meets, or what is no fault, is without.
        assert kind.symptoms or kind.level is Level.NOTE, kind.code
        for text in (kind.title, kind.people_see, kind.why, kind.looks, kind.what_to_do):
            assert not re.search(r"RUN22|KNOW\b|FAULTS|[<>|]", text.replace("=>", "")), kind.code
            assert set(re.findall(r"\b[NTHWRSMVOXK]\d{3}\b", text)) <= the_doctors().keys(), (
                kind.code
            )
        for source in kind.sources:
            form = r"[\w.-]+/[\w.-]+#\d+|GHSA(-\w{4}){3}|https://\S+"
            assert re.fullmatch(form, source), kind.code
    words = [kind for kind in known().values() if not kind.on_the_way]
    assert not any(kind.why or kind.symptoms or kind.sources for kind in words)


def test_every_symptom_is_one_sentence_and_is_met() -> None:
    assert 15 <= len(symptoms()) <= 25
    assert set(symptoms()) == {key for kind in known().values() for key in kind.symptoms}
    assert len(set(symptoms().values())) == len(symptoms())
    for key, sentence in symptoms().items():
        assert re.fullmatch(r"[a-z]+(-[a-z]+)*", key)
        assert re.fullmatch(r"[A-Z][^.]+", sentence)


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
    assert (row.level, row.file, row.line) == (Level.WARNING, None, None)
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
