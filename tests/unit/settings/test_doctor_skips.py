"""Findings that are left out: a reason and a date are required, and each entry is known by its line."""

from __future__ import annotations

import datetime as dt
import json
import tomllib
from pathlib import Path

import pytest

from cmp_bundle.errors import CmpBundleError
from cmp_bundle.settings import load
from cmp_bundle.settings.doctor_skips import Skip
from cmp_bundle.settings.template import literal
from cmp_bundle.settings.toml_places import entry_lines

DAY = dt.date(2027, 3, 1)
ENTRY = '{code = "T101", why = "a proxy has it", until = 2027-03-01}'

#: The same two entries, and the lines on which they begin.
WRITTEN = [
    (f"[doctor]\nskip = [{ENTRY}, {ENTRY}]\n", [2, 2]),
    (f"[doctor]\nskip = [  # {{ and [\n  {ENTRY},\n\n  {ENTRY},\n]\n", [3, 5]),
    (
        "\n".join(
            ["[[doctor.skip]]", 'code = "T101"', 'why = "a proxy has it"', 'until = "2027-03-01"'] * 2
        ),
        [1, 5],
    ),
    (f'# doctor\ndoctor.skip = [{ENTRY},\n{ENTRY.replace("proxy", "{proxy}")}]\n', [2, 3]),
]  # fmt: skip


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(("text", "lines"), WRITTEN)
def test_however_it_is_written(text: str, lines: list[int], tmp_path: Path) -> None:
    (tmp_path / "cmp-bundle.toml").write_text(text)
    found = load(environment={}).settings.doctor.skip
    assert [one.line for one in found] == lines == entry_lines(text, "doctor", "skip")
    assert found[0] == Skip("T101", "a proxy has it", DAY)


def test_in_the_environment() -> None:
    entries = [{"code": "T101", "why": "a proxy has it", "until": "2027-03-01"}]
    loaded = load(environment={"CMP_BUNDLE_DOCTOR_SKIP": json.dumps(entries)})
    assert loaded.settings.doctor.skip == (Skip("T101", "a proxy has it", DAY),)
    assert loaded.settings.doctor.skip[0].line is None
    assert load(environment={"CMP_BUNDLE_DOCTOR_SKIP": "[]"}).settings.doctor.skip == ()


@pytest.mark.parametrize(
    ("entry", "says"),
    [
        ("{}", "without a code"),
        ('{code = "T999", why = "x", until = 2027-03-01}', "'T999'"),
        ("{code = 5}", "no finding of the code 5"),
        ('{code = "T101", until = 2027-03-01}', "why T101 is left out"),
        ('{code = "T101", why = " ", until = 2027-03-01}', "why T101 is left out"),
        ('{code = "T101", why = "a\\nb", until = 2027-03-01}', "in one line"),
        ('{code = "T101", why = "x"}', "until when T101 is left out"),
        ('{code = "T101", why = "x", until = 2027-03-01T00:00:00}', "as a date"),
        ('{code = "T101", why = "x", until = "soon"}', "as a date"),
        ('{code = "T101", why = "x", till = 2027-03-01}', "with till"),
        ('"T101"', "tables"),
        ("['T101']", "tables"),
    ],
)
def test_what_is_wrong_names_its_line(entry: str, says: str, tmp_path: Path) -> None:
    (tmp_path / "cmp-bundle.toml").write_text(f"[doctor]\nskip = [\n  {ENTRY},\n  {entry},\n]\n")
    with pytest.raises(CmpBundleError, match=r"doctor\.skip") as caught:
        load(environment={})
    assert says in str(caught.value)
    assert caught.value.file == str(tmp_path / "cmp-bundle.toml")
    assert caught.value.line == (4 if entry.startswith("{") else 2)


@pytest.mark.parametrize("text", ['["T101"]', "T101", '[{"code": "T101"}]', "["])
def test_a_bad_variable_is_named(text: str) -> None:
    with pytest.raises(CmpBundleError, match="CMP_BUNDLE_DOCTOR_SKIP"):
        load(environment={"CMP_BUNDLE_DOCTOR_SKIP": text})


@pytest.mark.parametrize("value", ['"T101"', "true", "{}"])
def test_what_is_no_list(value: str, tmp_path: Path) -> None:
    (tmp_path / "cmp-bundle.toml").write_text(f"[doctor]\nskip = {value}\n")
    with pytest.raises(CmpBundleError, match="must be a list of tables"):
        load(environment={})


def test_as_toml_writes_it() -> None:
    skip = Skip("T101", 'a "proxy"', DAY)
    read = tomllib.loads(f"x = {literal((skip,))}")["x"]
    assert read == [{"code": "T101", "why": 'a "proxy"', "until": DAY}]
