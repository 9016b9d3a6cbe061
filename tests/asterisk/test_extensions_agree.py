"""Extensions of accounts in a real dialplan: each is what it looks like, and which are the same."""

from __future__ import annotations

import pytest

from cmp_bundle import extension
from tests.testbed.server import Asterisk

pytestmark = pytest.mark.asterisk

FINE = ("101", "+4.5", "*98#", "#1", "a_b", "-_x", "Alice", "1" * extension.LONGEST)


def test_an_extension_is_found_as_written(pbx: Asterisk) -> None:
    assert not any(map(extension.problem, FINE))
    _write(pbx, *FINE)
    for name in FINE:
        assert f"'{name}'" in pbx.rx(f"dialplan show {name}@agree")


def test_one_that_begins_with_an_underscore_is_a_pattern(pbx: Asterisk) -> None:
    _write(pbx, "_10X")
    assert extension.problem("_10X")
    assert "'_10X'" in pbx.rx("dialplan show 105@agree")


def test_dashes_do_not_tell_extensions_apart(pbx: Asterisk) -> None:
    _write(pbx, "1-0-1")
    assert extension.compared("1-0-1") == extension.compared("10-1")
    assert "'1-0-1'" in pbx.rx("dialplan show 10-1@agree")


def _write(pbx: Asterisk, *names: str) -> None:
    lines = ["[agree]", *(f"exten => {name},1,NoOp()" for name in names), ""]
    with (pbx.etc / "extensions.conf").open("a") as file:
        file.write("\n".join(lines))
    pbx.rx("dialplan reload")
