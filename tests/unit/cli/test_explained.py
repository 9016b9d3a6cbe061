"""The text for one code."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from cmp_bundle.cli.explained import DOCUMENTATION, explanation, page
from cmp_bundle.findings import Kind, Level, known

ROOT = Path(__file__).parents[3]

SHORT = Kind(
    "T199",
    Level.ERROR,
    "The key is gone",
    people_see="The page does not open.",
    what_to_do="Put it back.",
    since="0.1.0",
    why="Somebody took it.",
    versions="before 18",
)


def test_an_explanation() -> None:
    assert explanation(SHORT) == (
        "T199 error: The key is gone\n"
        "\n"
        "what people see\n"
        "    The page does not open.\n"
        "\n"
        "why\n"
        "    Somebody took it.\n"
        "\n"
        "what to do\n"
        "    Put it back.\n"
        "\n"
        "versions\n"
        "    before 18\n"
        "\n"
        "page\n"
        f"    {DOCUMENTATION}/findings/T199.md"
    ), "nothing where nothing is said"


@pytest.mark.parametrize("code", ["T102", "S108", "no-file"])
def test_everything_that_is_said_is_in_it(code: str) -> None:
    kind = known()[code]
    text = explanation(kind)
    assert max(map(len, text.splitlines())) <= 100
    words = " ".join(text.split())
    for said in (kind.people_see, kind.why, kind.looks, kind.what_to_do, kind.versions):
        assert said in words


def test_the_page_is_in_the_documentation() -> None:
    urls = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["urls"]
    assert urls["Documentation"] == DOCUMENTATION
    for kind in known().values():
        path, _, heading = page(kind).removeprefix(DOCUMENTATION).partition("#")
        text = (ROOT / "docs" / path.lstrip("/")).read_text()
        assert f"## {heading}\n" in text if heading else text.startswith(f"# {kind.code}: ")
