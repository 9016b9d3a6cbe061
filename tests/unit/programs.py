"""Programs of the machine that a test runs; where one is missing, the test is skipped by its name."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.testbed.machine import PACKAGES


def needed(name: str) -> Path:
    """Where the program lies. Skips the test where it does not, and says what has it."""
    found = shutil.which(name)
    if found is None:
        packages = [package for package, program in PACKAGES.items() if program == name]
        hint = f" (Debian's package: {packages[0]})" if packages else ""
        pytest.skip(f"{name} is not installed{hint}")
    return Path(found)
