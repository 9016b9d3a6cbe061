"""The reader against Asterisk itself, on thousands of files.

``CMP_BUNDLE_AGREE_FILES`` says how many files each version is asked about, and
``CMP_BUNDLE_AGREE_SEED`` which; a failure names the seed of its one file.
"""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from cmp_bundle.asterisk import draft, lines, reader
from cmp_bundle.asterisk.conf_files import ConfFolder
from cmp_bundle.asterisk.reader import read
from tests.asterisk import grammar
from tests.testbed.ami import Ami, AmiError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from cmp_bundle.asterisk.configuration import Configuration
    from tests.testbed.server import Asterisk

pytestmark = pytest.mark.asterisk

FILES = int(os.environ.get("CMP_BUNDLE_AGREE_FILES", "3000"))
SEED = os.environ.get("CMP_BUNDLE_AGREE_SEED", "1")

INVALID = "Config file has invalid format"
NOT_FOUND = "Config file not found"


@dataclass(frozen=True)
class Bench:
    """One Asterisk, and the reader looking at the same files."""

    etc: Path
    files: ConfFolder
    ami: Ami

    def disagreement(self, seed: str) -> str | None:
        """What the two make of the case of ``seed``, if it is not the same."""
        write(self.etc, grammar.case(seed, self.files.etc))
        ours = read(grammar.MAIN, self.files)
        if not can_be_asked(ours):
            return None
        theirs = asked(self.ami, grammar.MAIN)
        if theirs == told(ours):
            return None
        return f"seed {seed}\nAsterisk: {theirs!r}\nreader:   {told(ours)!r}\n{ours.problems}"


@pytest.fixture
def bench(pbx: Asterisk) -> Iterator[Bench]:
    with Ami(pbx.ports.ami, pbx.ami_secret) as ami:
        yield Bench(pbx.etc, ConfFolder(pbx.etc, pbx.root), ami)


def asked(ami: Ami, name: str) -> list[bytes] | str:
    """What Asterisk holds after reading ``name``, or why it refuses it."""
    try:
        return ami.ask("GetConfig", Filename=name, Filter="TEMPLATES=include")
    except AmiError as error:
        for reason in (INVALID, NOT_FOUND):
            if reason in str(error):
                return reason
        raise


def told(configuration: Configuration) -> list[bytes] | str:
    """What we hold, in Asterisk's notation (``action_getconfig`` of main/manager.c).

    It joins a name and its value by "=", so a name that holds one, which takes a backslash to
    write, cannot be told from a longer value here.
    """
    if configuration.missing:
        return NOT_FOUND
    if configuration.refused:
        return INVALID
    lines = []
    for number, category in enumerate(configuration.categories):
        lines.append(f"Category-{number:06}: {category.name}")
        if category.template:
            lines.append(f"IsTemplate-{number:06}: 1")
        if ",".join(category.templates):
            lines.append(f"Templates-{number:06}: {','.join(category.templates)}")
        lines += (
            f"Line-{number:06}-{at:06}: {variable.name}={variable.value}"
            for at, variable in enumerate(category.variables)
        )
    return [line.encode("utf-8", "surrogateescape") for line in lines]


def write(etc: Path, case: grammar.Case) -> None:
    shutil.rmtree(etc / grammar.FOLDER, ignore_errors=True)
    for name, data in case.files.items():
        path = etc / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    for name, target in case.links.items():
        (etc / name).symlink_to(target)


def can_be_asked(ours: Configuration) -> bool:
    """Whether Asterisk would come back, and the reader claims to know what it would say.

    ``#exec`` does nothing in the test bed, as it does nothing unless asterisk.conf allows it.
    """
    if any("never finishes" in problem.message for problem in ours.problems):
        return False
    return all(problem.message.startswith("#exec") for problem in ours.unknowns)


@pytest.mark.parametrize("share", [3, pytest.param(1, marks=pytest.mark.soak)])
def test_generated_files(bench: Bench, share: int) -> None:
    for number in range(0, FILES, share):
        wrong = bench.disagreement(f"{SEED}-{number}")
        assert wrong is None, wrong


def test_files_as_shipped(pbx: Asterisk, bench: Bench) -> None:
    shipped = pbx.etc / "shipped"
    shutil.copytree(pbx.root / "etc/asterisk", shipped)
    names = sorted(path.name for path in shipped.glob("*.conf"))
    for name in names:
        (shipped / name).chmod(0o644)
        ours = read(f"shipped/{name}", bench.files)
        assert told(ours) == asked(bench.ami, f"shipped/{name}"), name
        assert not ours.unknowns
    assert {"http.conf", "pjsip.conf", "extensions.conf", "asterisk.conf"} < set(names)


@pytest.mark.parametrize(
    ("module", "constant", "wrong"),
    [
        (reader, "_DEEPEST", 10),
        (draft, "_LONGEST_NAME", 80),
        (lines, "_BUFFER", 8193),
        (lines, "_BLANK_BYTES", b" \t\r\n"),
        (lines, "_BOM", b""),
    ],
)
def test_one_constant_off_is_noticed(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, module: object, constant: str, wrong: object
) -> None:
    monkeypatch.setattr(module, constant, wrong)
    assert any(bench.disagreement(f"{SEED}-{number}") for number in range(FILES))
