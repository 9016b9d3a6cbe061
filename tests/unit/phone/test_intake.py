from __future__ import annotations

import pytest

from cmp_bundle.errors import CmpBundleError
from cmp_bundle.phone import intake as rules
from cmp_bundle.phone.intake import Intake, printable

from .phones import PAGE


def refused(*paths: str) -> CmpBundleError:
    intake = Intake("the origin")
    *before, last = paths
    for path in before:
        intake.admit(path, 0)
    with pytest.raises(CmpBundleError) as raised:
        intake.admit(last, 0)
    assert raised.value.file == "the origin"
    assert printable(last) in raised.value.message
    return raised.value


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("", "empty or '.' part in its name"),
        (".", "empty or '.' part in its name"),
        ("a//b", "empty or '.' part in its name"),
        ("a/./b", "empty or '.' part in its name"),
        ("a/", "empty or '.' part in its name"),
        ("/etc/passwd", "absolute"),
        ("C:/x", "absolute"),
        ("c:x", "absolute"),
        ("..", "leads out"),
        ("a/../../b", "leads out"),
        ("a\\b", "backslash"),
        ("a\0b", "control character"),
        ("a\x1b[2Jb", "control character"),
        ("a\nb", "control character"),
        ("a\udc80", "not UTF-8"),
        (".git/config", "git repository"),
        ("lib/.GIT", "git repository"),
        ("/".join("d" * 33), "folders deep"),
        ("n" * 201, "too long"),
        ("é" * 101, "too long"),
        ("/".join(["n" * 150] * 7), "too long"),
    ],
)
def test_names_that_mean_something_else_somewhere(path: str, why: str) -> None:
    assert why in refused(path).message


@pytest.mark.parametrize(
    "path",
    ["index.html", "...", "..a", "a b", "é☎", ".gitignore", ".github/x", "n" * 200, "ab:c", "-rf"],
)
def test_plain_names_come_in(path: str) -> None:
    intake = Intake("x")
    intake.admit(path, len(PAGE.data))
    intake.fill(path, PAGE.data)
    assert intake.files() == {path: PAGE}


@pytest.mark.parametrize(
    ("paths", "why"),
    [
        (("a", "a"), "exists twice"),
        (("a", "a/b"), "file as well as a folder"),
        (("a/b", "a"), "file as well as a folder"),
        (("a", "A"), "only by case"),
        (("Lib/x", "lib/y"), "only by case"),
        (("é", "e\u0301"), "accents"),
        (("straße", "STRASSE"), "only by case"),
    ],
)
def test_names_that_meet(paths: tuple[str, str], why: str) -> None:
    assert why in refused(*paths).message


def test_a_folder_may_be_named_again_and_after_its_files() -> None:
    intake = Intake("x")
    intake.folder("lib")
    intake.admit("lib/a", 0)
    intake.folder("lib")
    intake.fill("lib/a", b"")
    assert list(intake.files()) == ["lib/a"]
    with pytest.raises(CmpBundleError, match="file as well as a folder"):
        intake.folder("lib/a")


def test_caps() -> None:
    intake = Intake("x")
    with pytest.raises(CmpBundleError, match=r"'big' is larger than 32 MiB"):
        intake.admit("big", rules.MAX_FILE + 1)
    intake = Intake("x")
    intake.admit("a", rules.MAX_FILE)
    intake.admit("b", rules.MAX_FILE)
    with pytest.raises(CmpBundleError, match=r"'c' makes the phone larger than 64 MiB"):
        intake.admit("c", 1)


def test_only_so_many() -> None:
    intake = Intake("x")
    for n in range(rules.MAX_ENTRIES):
        intake.admit(f"{n % 100}/{n}", 0)
    with pytest.raises(CmpBundleError, match="exceeds the limit"):
        intake.folder("more")


def test_content_must_be_as_long_as_was_said() -> None:
    intake = Intake("x")
    intake.admit("a", 3)
    with pytest.raises(CmpBundleError, match="is not 3 bytes long"):
        intake.fill("a", b"1234")


def test_what_is_shown_does_nothing_to_a_terminal() -> None:
    assert printable("\x1b[2J\u202ehtml") == r"'\x1b[2J\u202ehtml'"
    assert len(printable("n" * 5000)) < 120
