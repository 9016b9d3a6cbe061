"""Answers that no Asterisk gives, to each function that reads one: it ends soon, and without an error."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import time
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cmp_bundle.asterisk import answers

pytestmark = pytest.mark.slow

SIZE = 40_000

#: Seconds for one of that size. What takes ten times as long for twice of it takes a hundred times that.
MOST = 1.0

BEGINNINGS = (
    "", "  1. ", "  'x' => 1. ", " Endpoint:  ", "  Include => '", "[ Context 'x'\n  'a' => 1. ",
    "Asterisk ", "ParameterName : ParameterValue\n==\n x : ", "HTTPS Server Enabled and Bound to ",
    "System uptime: ", "  Maximum open file handles: ", "Enabled URI's:\n/", "x.so  ", "Port start: ",
    "Unable to find object ", "    Contact:  x/sip:x ", " Identify:  x/y\n Match: ", "  Name:   x\n",
    "--------------------  --------------------\n  x  ", "Config Engine: x\n===> ", "acl\n---\n 0:  deny - ",
)  # fmt: skip

REPEATED = (
    " ", "\t", ":", "[", "]", "x", "\n", " : ", "9", "1. ", "(", "'", "x ", " - ", "\0", "\x1b[2J", ".",
    " Endpoint:  e  Unavailable\n", " 1. x [", "Contact: ", "=", "/", ",", "\r\n", "  \n", "\u2028",
)  # fmt: skip


def _readers() -> list[tuple[str, Callable[..., Any], int]]:
    """Each public function, and how many arguments it needs."""
    found: list[tuple[str, Callable[..., Any], int]] = []
    for module in pkgutil.iter_modules(answers.__path__):
        made = importlib.import_module(f"{answers.__name__}.{module.name}")
        for name, function in inspect.getmembers(made, inspect.isfunction):
            if name.startswith("_") or function.__module__ != made.__name__:
                continue
            parameters = inspect.signature(function).parameters.values()
            if all(p.annotation == "str" for p in parameters if p.default is p.empty):
                number = sum(p.default is p.empty for p in parameters)
                found.append((f"{module.name}.{name}", function, number))
    return found


READERS = _readers()


def told(function: Callable[..., Any], number: int, text: str) -> None:
    for place in range(number):
        function(*(text if other == place else "x" for other in range(number)))


@pytest.mark.parametrize(("name", "function", "number"), READERS, ids=[r[0] for r in READERS])
def test_the_same_again_and_again(name: str, function: Callable[..., Any], number: int) -> None:
    for beginning in BEGINNINGS:
        for repeated in REPEATED:
            text = beginning + repeated * (SIZE // len(repeated))
            began = time.process_time()
            told(function, number, text)
            took = time.process_time() - began
            assert took < MOST, f"{name}: {beginning!r} and then {repeated!r}: {took} s"


@given(st.text(st.sampled_from("".join(sorted({c for t in (*BEGINNINGS, *REPEATED) for c in t})))))
def test_any_characters(text: str) -> None:
    for _, function, number in READERS:
        told(function, number, text)


def test_all_of_them_are_tried() -> None:
    assert len(READERS) >= 10
