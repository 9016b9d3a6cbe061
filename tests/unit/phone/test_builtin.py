from __future__ import annotations

from pathlib import Path

import pytest

import cmp_bundle
from cmp_bundle.errors import CmpBundleError
from cmp_bundle.phone.builtin import read_builtin

from .phones import PAGE, VARIED
from .repositories import lay_out


def test_what_was_compiled_into_the_package(tmp_path: Path) -> None:
    files = {path: file for path, file in VARIED.items() if not file.executable}
    lay_out(tmp_path / "client" / "phone", files)
    lay_out(tmp_path / "client", {"overlay.js": PAGE})
    assert read_builtin(tmp_path) == files


def test_a_package_that_was_not_built_says_how(tmp_path: Path) -> None:
    with pytest.raises(CmpBundleError, match="never built") as raised:
        read_builtin(tmp_path)
    assert raised.value.hint is not None
    assert "make setup" in raised.value.hint


def test_looks_into_its_own_package() -> None:
    here = Path(cmp_bundle.__file__).parent / "client" / "phone"
    if here.is_dir():
        assert read_builtin()["index.html"].data == (here / "index.html").read_bytes()
    else:
        with pytest.raises(CmpBundleError, match="cmp_bundle/client/phone"):
            read_builtin()
