from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from cmp_bundle import __version__
from cmp_bundle.cli import app, output
from cmp_bundle.cli.app import BUG, COMMANDS, DONE, MISTAKE, STOPPED, USAGE
from cmp_bundle.errors import CmpBundleError
from tests import schemas

from .people import Typist

ROOT = Path(__file__).parents[3]


pytestmark = pytest.mark.usefixtures("here")


def python(code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    env = os.environ | environment
    command = [sys.executable, "-c", code]
    return subprocess.run(command, capture_output=True, text=True, env=env, check=False)


def test_the_version_costs_nothing() -> None:
    code = (
        "import sys; sys.argv = ['cmp-bundle', '--version']\n"
        "from cmp_bundle.cli import main; main()\n"
        "print(sorted(m for m in sys.modules if m.startswith(('cmp_bundle', 'click', 'rich'))))"
    )
    version, modules = python(code).stdout.splitlines()
    assert version == f"cmp-bundle {__version__}"
    assert modules == "['cmp_bundle', 'cmp_bundle.cli']"


def test_help_imports_no_command() -> None:
    code = (
        "import sys; from cmp_bundle.cli.app import run; run(['--help'])\n"
        "print([m for m in sys.modules if m.startswith('cmp_bundle.cli.')])"
    )
    shown = python(code).stdout
    assert not [name for name in COMMANDS if f"cmp_bundle.cli.{name}'" in shown.splitlines()[-1]]
    for name, means in COMMANDS.items():
        assert name in shown
        assert means.split(".")[0] in " ".join(shown.split())


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_itself(name: str, here: Typist) -> None:
    done = here.run(name, "--help")
    assert done.code == DONE
    assert "--json" in done.out
    assert COMMANDS[name].split(".")[0].split(",")[0] in " ".join(done.out.split())


def raising(error: BaseException, monkeypatch: pytest.MonkeyPatch) -> None:
    def main(*_args: object, **_more: object) -> None:
        raise error

    monkeypatch.setattr(app.group, "main", main)


def test_a_mistake_is_two_lines(here: Typist, monkeypatch: pytest.MonkeyPatch) -> None:
    raising(
        CmpBundleError("a-code", "does not fit", hint="make it fit", file="a.conf", line=3),
        monkeypatch,
    )
    assert here.refused("config").splitlines() == [
        "error a-code: a.conf:3: does not fit",
        "       make it fit",
    ]


def test_a_mistake_as_json(here: Typist, monkeypatch: pytest.MonkeyPatch) -> None:
    raising(CmpBundleError("a-code", "does not fit", file="a.conf", line=3), monkeypatch)
    done = here.run("config", "--json")
    assert done.code == MISTAKE
    assert json.loads(done.out)["error"] == {
        "code": "a-code",
        "level": "error",
        "message": "does not fit",
        "hint": None,
        "file": "a.conf",
        "line": 3,
        "place": "a.conf:3",
        "subject": None,
    }


def logged(here: Typist) -> Path:
    """Where the log of a command is that ends by a bug."""
    done = here.run("config")
    assert done.code == BUG
    assert "Traceback" not in done.err
    path = Path(done.err.split("the log is ")[1].strip())
    assert "ZeroDivisionError" in path.read_text()
    assert __version__ in path.read_text()
    return path


def test_a_bug_as_json(here: Typist, monkeypatch: pytest.MonkeyPatch) -> None:
    raising(ZeroDivisionError("secret"), monkeypatch)
    done = here.run("config", "--json")
    assert done.code == BUG
    told = json.loads(done.out)["error"]
    assert (told["code"], told["message"]) == ("bug", "ZeroDivisionError: secret")
    assert Path(told["hint"].split("the log is ")[1]).exists()


@pytest.mark.parametrize("umask", [0o022, 0o000])
def test_a_bug_goes_into_a_file_of_this_user_s(
    umask: int, here: Typist, monkeypatch: pytest.MonkeyPatch
) -> None:
    raising(ZeroDivisionError("secret"), monkeypatch)
    before = os.umask(umask)
    try:
        path = logged(here)
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_a_bug_s_log_is_written_through_no_link(
    here: Typist, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    raising(ZeroDivisionError("secret"), monkeypatch)
    log = logged(here)
    (tmp_path / "victim").write_text("precious")
    (log.parent / f"bug-20261231T235959-{os.getpid()}.log").symlink_to(tmp_path / "victim")
    monkeypatch.setattr("time.strftime", lambda _form: "20261231T235959")
    other = logged(here)
    other.unlink()
    assert other.parent != log.parent
    assert (tmp_path / "victim").read_text() == "precious"


@pytest.mark.parametrize("words", [(), ("accounts",), ("certs",), ("key",)])
def test_a_command_without_one_of_its_own_shows_its_help(
    words: tuple[str, ...], here: Typist
) -> None:
    done = here.run(*words)
    assert done == here.run(*words, "--help")
    assert done.code == DONE
    assert done.out.startswith(f"Usage: {' '.join(('cmp-bundle', *words))} [OPTIONS] COMMAND")


@pytest.mark.parametrize(
    ("line", "problem", "hint"),
    [
        ("depoy", "no such command 'depoy'; did you mean deploy?", "see: cmp-bundle --help"),
        ("nothing", "no such command 'nothing'", "see: cmp-bundle --help"),
        (
            "accounts lst --json",
            "no such command 'lst'; did you mean list?",
            "see: cmp-bundle accounts --help",
        ),
        (
            "deploy --dry-rum",
            "no such option '--dry-rum'; did you mean --dry-run?",
            "see: cmp-bundle deploy --help",
        ),
        (
            "--json deploy",
            "no such option '--json' before the command",
            "options come after the command: cmp-bundle COMMAND --json",
        ),
        ("link --json", "missing argument 'USER'", "see: cmp-bundle link --help"),
        (
            "deploy --keep x --json",
            "invalid value for '--keep': 'x' is not a valid integer",
            "see: cmp-bundle deploy --help",
        ),
    ],
)
def test_wrong_usage(line: str, problem: str, hint: str, here: Typist) -> None:
    done = here.run(*line.split())
    assert done.code == USAGE
    if "--json" in line:
        printed = json.loads(done.out)
        schemas.check(line.split(), printed)
        error = printed["error"]
        assert (error["code"], error["message"], error["hint"]) == ("usage", problem, hint)
        assert done.err == ""
    else:
        assert done.err.splitlines() == [f"error usage: {problem}", f"       {hint}"]


def test_ctrl_c(here: Typist, monkeypatch: pytest.MonkeyPatch) -> None:
    raising(KeyboardInterrupt(), monkeypatch)
    assert here.run("config").code == STOPPED


def test_colour_only_on_a_terminal_that_wants_it(monkeypatch: pytest.MonkeyPatch) -> None:
    class Tty:
        def isatty(self) -> bool:
            return True

    monkeypatch.delenv("NO_COLOR", raising=False)
    assert "\x1b" in output.painted("x", "31", Tty())  # type: ignore[arg-type]
    assert "\x1b" not in output.painted("x", "31", sys.stdout)
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b" not in output.painted("x", "31", Tty())  # type: ignore[arg-type]


def test_a_closed_pipe_is_not_talked_about() -> None:
    code = "from cmp_bundle.cli.app import run; import sys; sys.exit(run(['config']))"
    env = os.environ | {"PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=env
    ) as process:
        assert process.stdout
        process.stdout.close()
        assert process.stderr
        assert process.stderr.read() == b""


def ended(command: str, **environment: str) -> tuple[int, str, str]:
    """The exit code and both outputs of ``command``, in which CMP stands for the program."""
    done = subprocess.run(
        ["sh", "-c", command.replace("CMP", f"{sys.executable} -m cmp_bundle")],
        capture_output=True,
        check=False,
        env=os.environ | {"PYTHONPATH": str(ROOT)} | environment,
    )
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def test_a_disk_that_is_full_of_our_words() -> None:
    code, _, said = ended("CMP config > /dev/full")
    assert code == MISTAKE
    assert said.startswith("error output-lost: the result cannot be written: no space left")
    assert "Exception" not in said


@pytest.mark.slow
@pytest.mark.parametrize("out", ["> /dev/full", "| true"])
def test_an_error_that_standard_output_does_not_take(out: str) -> None:
    """It is said all the same, where somebody may read it."""
    assert "does not exist" in ended(f"CMP config --json --config nowhere {out}")[2]
    assert "Traceback" not in ended(f"CMP config --json --config nowhere {out}")[2]


def test_a_disk_that_is_full_of_json() -> None:
    assert "cannot be written: no space left" in ended("CMP config --json > /dev/full")[2]


def test_a_path_made_of_nothing() -> None:
    """It would mean the current folder."""
    assert "build.out must not be empty" in ended("CMP build --out ''")[2]


def test_streams_that_are_closed() -> None:
    assert ended("CMP config >&-") == (DONE, "", "")
    assert ended("CMP config --config nowhere 2>&-") == (MISTAKE, "", "")


def test_a_terminal_that_has_gone() -> None:
    """What there is to say is lost; the work, and how it ended, is not."""
    said = (
        "from cmp_bundle.cli.output import Terminal as T; T(verbose=False).warn(str(1)); print(2)"
    )
    for command, ends in {f"{sys.executable} -c '{said}'": (DONE, "2\n", ""),
                       "CMP config --config nowhere": (MISTAKE, "", "")}.items():  # fmt: skip
        assert ended(f"{command} 2> /dev/full") == ends


@pytest.mark.parametrize(
    "how",
    [
        {"PYTHONIOENCODING": "ascii"},
        {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "PYTHONIOENCODING": ""},
    ],
)
def test_letters_that_the_terminal_does_not_know(how: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "it.toml").write_text('[account]\nname = "→ é"\n', "utf-8")
    code, said, _ = ended(f"CMP config --config {tmp_path}/it.toml", **how)
    assert code == DONE
    assert r'name = "\u2192 \xe9"' in said


def test_a_bug_where_nobody_has_a_home(
    here: Typist, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def homeless(*_arguments: object, **_more: object) -> Path:
        raise RuntimeError("could not determine the home directory")

    monkeypatch.setattr("platformdirs.user_log_path", homeless)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    # Others may write there: what they have put there is neither followed nor written to.
    (tmp_path / "victim").write_text("precious")
    (tmp_path / f"bug-20261231T235959-{os.getpid()}.log").symlink_to("victim")
    monkeypatch.setattr("time.strftime", lambda _form: "20261231T235959")
    raising(ZeroDivisionError("secret"), monkeypatch)
    logs = {logged(here) for _ in range(2)}
    assert len(logs) == 2
    assert {log.parent for log in logs} == {tmp_path}
    assert {stat.S_IMODE(log.stat().st_mode) for log in logs} == {0o600}
    assert (tmp_path / "victim").read_text() == "precious"


def test_a_bug_where_no_folder_can_be_written(
    here: Typist, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "file"))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "file"))
    raising(ZeroDivisionError("secret"), monkeypatch)
    done = here.run("config")
    assert done.code == BUG
    assert "no folder could be written" in done.err
    assert "Traceback" in done.err


def test_config_tells_where_each_value_comes_from(
    here: Typist, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "cmp-bundle.toml").write_text('[site]\nname = "phone"\n')
    monkeypatch.setenv("CMP_BUNDLE_ACCOUNT_ID", "alice")
    done = here.run("config")
    assert done.code == DONE
    rows = done.out.splitlines()
    assert any(r.startswith('name = "phone"') and r.endswith("cmp-bundle.toml:2") for r in rows)
    assert any(r.startswith('id = "alice"') and r.endswith("CMP_BUNDLE_ACCOUNT_ID") for r in rows)
    assert here.json("config")["settings"]["site.name"]["value"] == "phone"
