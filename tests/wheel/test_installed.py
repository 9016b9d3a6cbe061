"""The wheel, built and installed into a clean environment outside the repository."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from tests.testbed import network
from tests.testbed.server import Asterisk

REPOSITORY = Path(__file__).parents[2]

pytestmark = [pytest.mark.slow, pytest.mark.asterisk]


def ran(*command: str, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        cwd=cwd,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def run(*command: str, cwd: Path, **environment: str) -> str:
    done = ran(*command, cwd=cwd, **environment)
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built as anybody would build it, from a copy without what builds and tests left.

    Some of that comes and goes while this runs.
    """
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    ignored = shutil.ignore_patterns(
        *(".venv", "node_modules", ".git", "dist"),
        *(".*_cache", "__pycache__", ".coverage*", ".hypothesis", ".client-building"),
    )
    shutil.copytree(REPOSITORY, source, ignore=ignored)
    shutil.rmtree(source / "cmp_bundle/client", ignore_errors=True)
    pip = (sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps")
    with network.outside():
        run(*pip, "-w", ".", "./source", cwd=folder)
    (made,) = folder.glob("*.whl")
    return made


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The cmp-bundle of a virtual environment that has nothing else."""
    folder = tmp_path_factory.mktemp("clean")
    run(sys.executable, "-m", "venv", "venv", cwd=folder)
    with network.outside():
        run("venv/bin/pip", "install", "--quiet", str(wheel), cwd=folder)
    return folder / "venv/bin/cmp-bundle"


def test_what_npm_s_packages_would_run_changes_nothing(wheel: Path, tmp_path: Path) -> None:
    """The wheel's client is made without; with them it is the same, byte for byte."""
    if shutil.which("npm") is None:
        pytest.skip("no npm")
    (tmp_path / "cmp_bundle").mkdir()
    shutil.copy(REPOSITORY / "LICENSE", tmp_path)
    ignored = shutil.ignore_patterns("node_modules")
    client = shutil.copytree(REPOSITORY / "client", tmp_path / "client", ignore=ignored)
    with network.outside():
        run("npm", "ci", "--no-audit", "--no-fund", cwd=client)
    run("npm", "run", "build", cwd=client)
    made = {
        p.relative_to(tmp_path).as_posix(): p.read_bytes()
        for p in (tmp_path / "cmp_bundle").rglob("*")
        if p.is_file()
    }
    with zipfile.ZipFile(wheel) as file:
        shipped = {n: file.read(n) for n in file.namelist() if n.startswith("cmp_bundle/client/")}
    assert {n: d for n, d in shipped.items() if not n.endswith("/.compiled-from")} == made


def test_installed_by_hashes_alone(wheel: Path, tmp_path: Path) -> None:
    """As README says for a PBX, with both extras."""
    run(sys.executable, "-m", "venv", "venv", cwd=tmp_path)
    hashed = ["install", "--quiet", "--no-deps", "--require-hashes", "--only-binary", ":all:"]
    files = [str(REPOSITORY / "requirements" / name) for name in ("practice.txt", "database.txt")]
    with network.outside():
        run("venv/bin/pip", *hashed, "-r", files[0], "-r", files[1], cwd=tmp_path)
    run("venv/bin/pip", "install", "--quiet", "--no-deps", str(wheel), cwd=tmp_path)
    run("venv/bin/pip", "check", cwd=tmp_path)
    assert run("venv/bin/cmp-bundle", "--version", cwd=tmp_path).startswith("cmp-bundle ")
    needed = (REPOSITORY / "requirements/cmp-bundle.txt").read_text()
    changed = tmp_path / "changed.txt"
    changed.write_text(re.sub("sha256:[0-9a-f]{64}", f"sha256:{0:064}", needed))
    again = ("venv/bin/pip", *hashed, "--force-reinstall", "-r", str(changed))
    with network.outside():
        refused = ran(*again, cwd=tmp_path)
    assert refused.returncode != 0
    assert "DO NOT MATCH THE HASHES" in refused.stderr


def test_the_source_archive_holds_them(wheel: Path, tmp_path: Path) -> None:
    source = wheel.parent / "source"
    run(sys.executable, "-m", "hatchling", "build", "-t", "sdist", "-d", str(tmp_path), cwd=source)
    (made,) = tmp_path.glob("*.tar.gz")
    with tarfile.open(made) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    files = {f"requirements/{p.name}" for p in (REPOSITORY / "requirements").iterdir()}
    assert files | {"pyproject.toml", "client/package-lock.json", "hatch_build.py"} <= names
    assert not [name for name in names if "node_modules" in name]


def test_the_wheel_holds_the_client_and_no_source_of_it(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    compiled = REPOSITORY / "cmp_bundle/client"
    client = {p.relative_to(REPOSITORY).as_posix() for p in compiled.rglob("[!.]*") if p.is_file()}
    assert "cmp_bundle/client/phone/index.html" in client
    # Without py.typed nobody's type checker would look at the package.
    assert client | {"cmp_bundle/asterisk/templates/http.conf", "cmp_bundle/py.typed"} <= names
    assert not [n for n in names if n.startswith(("tests/", "client/")) or n.endswith(".ts")]
    assert any(n.endswith("licenses/LICENSE") for n in names)


def test_all_commands_work(installed: Path, pbx: Asterisk, tmp_path: Path) -> None:
    environment = {
        "CMP_BUNDLE_ASTERISK_ROOT": str(pbx.root),
        "CMP_BUNDLE_ASTERISK_COMMAND": json.dumps(pbx.command),
        "PYTHONPATH": "",
        "PYTHONWARNINGS": "error",
    }

    def cmp(*arguments: str) -> str:
        return run(str(installed), *arguments, cwd=tmp_path, **environment)

    assert cmp("--version").startswith("cmp-bundle ")
    assert str(pbx.etc) in cmp("init")
    assert "etc_dir" in (tmp_path / "cmp-bundle.toml").read_text()
    assert "site.name" not in cmp("config")
    assert "builtin" in cmp("fetch", "--source", "builtin")
    assert "2 requests" in cmp("build", "--source", "builtin")
    assert "this was a dry run" in cmp("deploy", "--dry-run")
    assert "checked on the live server" in cmp("deploy")
    assert "nothing was changed" in cmp("deploy")
    cmp("build", "--source", "builtin", "--no-pack")
    cmp("deploy")
    assert len(cmp("releases").splitlines()) == 2
    assert "is current again" in cmp("rollback")
    assert "removed cmp-bundle's files" in cmp("undeploy")
    assert "nothing of cmp-bundle" in cmp("undeploy")
