"""The imports, walked: an arrow against docs/architecture.md fails here."""

from __future__ import annotations

import ast
import functools
import graphlib
import re
from pathlib import Path

import pytest

import cmp_bundle

PACKAGE = Path(cmp_bundle.__file__).parent
REPOSITORY = PACKAGE.parent
DOCUMENT = REPOSITORY / "docs/architecture.md"

#: Rooms that may touch the disk, the network or processes, and the modules by which they do.
EDGES = {
    "cli": {"os", "tempfile"},
    "commands": {"os", "ssl"},
    "phone": {"os", "subprocess", "urllib.request", "tempfile", "ssl", "http.client"},
    "settings": {"os"},
    "asterisk": {"os", "shutil", "subprocess", "socket"},
    "accounts": {"ssl"},
    "changes": {"os"},
    "files": {"os", "shutil", "fcntl"},
    "provision": {"shutil", "subprocess"},
    "checks": {"http.client", "os", "socket", "ssl"},
    "devserver": {"os", "socket", "ssl"},
    "doctor": {"http.client", "socket", "ssl"},
    "tls": {"os", "shutil", "socket", "subprocess"},
}
TOUCHING = {"os", "subprocess", "shutil", "socket", "ssl", "tempfile", "urllib.request",
            "http.client", "fcntl"}  # fmt: skip


def storeys() -> dict[str, int]:
    """Each room's storey, counted from the top, as the architecture document draws it."""
    text = DOCUMENT.read_text()
    drawn = text.split("## Which room may import which")[1].split("## ")[0]
    lines = [line.split() for line in drawn.splitlines() if re.match(r"    \w", line)]
    return {room: level for level, rooms in enumerate(lines) for room in rooms}


@functools.cache
def nodes(path: Path) -> list[ast.AST]:
    return list(ast.walk(ast.parse(path.read_text())))


def imports(path: Path) -> set[str]:
    """Every module that a file imports, wherever in it."""
    found: set[str] = set()
    for node in nodes(path):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: a relative import hides its room"
            found.add(node.module or "")
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def room_of(path: Path) -> str:
    first = path.relative_to(PACKAGE).parts[0]
    return first.removesuffix(".py")


def name_of(path: Path) -> str:
    parts = path.relative_to(REPOSITORY).with_suffix("").parts
    return ".".join(parts).removesuffix(".__init__")


def modules() -> list[Path]:
    return [p for p in PACKAGE.rglob("*.py") if room_of(p) not in ("__init__", "__main__")]


def test_every_room_is_in_the_document() -> None:
    assert {room_of(p) for p in modules()} == set(storeys())


def test_imports_go_down() -> None:
    level = storeys()
    for path in modules():
        own = room_of(path)
        for name in imports(path):
            parts = name.split(".")
            if parts[0] != "cmp_bundle" or len(parts) < 2 or parts[1] == "__version__":
                continue
            other = parts[1]
            assert other == own or level[other] > level[own], f"{path}: imports {name}"


def test_no_module_leads_back_to_itself() -> None:
    """Nor for its types alone: two that need each other are one subject in two files."""
    named = {name_of(p): p for p in modules()}
    # Importing a module from a package asks nothing of what the package itself exports.
    packages = {name for name, path in named.items() if path.name == "__init__.py"}
    graph = {
        name: {n if n in named else n.rpartition(".")[0] for n in imports(path) - packages}
        for name, path in named.items()
    }
    graphlib.TopologicalSorter(graph).prepare()  # CycleError names the modules


def test_no_module_of_the_browser_side_either() -> None:
    graph = {
        path: {(path.parent / name).resolve() for name in re.findall(r' "(\..+\.ts)"', text)}
        for path in (REPOSITORY / "client").rglob("*.ts")
        if "node_modules" not in path.parts and (text := path.read_text())
    }
    asked = set().union(*graph.values())
    assert asked
    assert asked <= graph.keys()
    graphlib.TopologicalSorter(graph).prepare()


def test_only_the_edges_touch_the_world() -> None:
    for path in modules():
        used = imports(path) & TOUCHING
        allowed = EDGES.get(room_of(path), set())
        assert used <= allowed, f"{path}: {used - allowed}"


#: What is made of values alone: rooms and modules that are told what is there, and look at nothing.
PURE = (
    "deploy/plan.py", "deploy/staging.py", "deploy/refusals.py", "deploy/layout.py",
    "provision/plan.py", "provision/refusals.py", "provision/pjsip.py", "provision/dialplan.py",
    "provision/rows.py", "provision/row_plan.py", "provision/row_owners.py", "provision/realtime.py",
    "server/lines.py", "changes/plan.py", "changes/state.py", "changes/include_line.py", "changes/described.py",
    "checks/*.py", "bundle/*.py", "accounts/*.py", "practice/*.py", "settings/model.py",
    "asterisk/reader.py", "asterisk/draft.py", "asterisk/lines.py", "asterisk/http_conf.py",
    "asterisk/web.py", "asterisk/static.py", "findings.py", "places.py", "errors.py", "report.py",
)  # fmt: skip

#: The edges of those rooms: what in them is for a disk, a socket or a database.
EDGE_MODULES = {
    "checks/call.py", "checks/line.py", "checks/live.py", "checks/reload.py",
    "checks/websocket.py",
    "bundle/dist.py", "bundle/manifest.py", "bundle/client.py",
    "accounts/store.py", "accounts/database.py", "accounts/conf_source.py", "findings.py",
}  # fmt: skip

#: What a path is asked, or has done to it, on the disk.
LOOKING = {
    "exists", "is_file", "is_dir", "is_symlink", "is_mount", "is_fifo", "stat", "lstat", "owner",
    "group", "readlink", "resolve", "iterdir", "glob", "rglob", "open", "read_bytes", "read_text",
    "write_bytes", "write_text", "mkdir", "touch", "unlink", "rmdir", "rename", "replace_with",
    "symlink_to", "hardlink_to", "chmod", "cwd", "home", "expanduser", "samefile",
}  # fmt: skip


def pure_modules() -> list[Path]:
    found = [path for pattern in PURE for path in PACKAGE.glob(pattern)]
    assert len(found) >= len(PURE)
    return [path for path in found if str(path.relative_to(PACKAGE)) not in EDGE_MODULES]


def test_pure_rooms_look_at_nothing() -> None:
    for path in pure_modules():
        name = path.relative_to(PACKAGE)
        calls = [n.func for n in nodes(path) if isinstance(n, ast.Call)]
        called = {f.attr for f in calls if isinstance(f, ast.Attribute)}
        called |= {f.id for f in calls if isinstance(f, ast.Name)}
        assert not called & LOOKING, f"{name}: {called & LOOKING}"


def test_only_the_command_line_prints_or_knows_click() -> None:
    for path in modules():
        if room_of(path) == "cli":
            continue
        assert "click" not in imports(path), path
        calls = [n for n in nodes(path) if isinstance(n, ast.Call)]
        names = [n.func.id for n in calls if isinstance(n.func, ast.Name)]
        assert "print" not in names, path


@pytest.mark.parametrize("folder", ["cmp_bundle", "client"])
def test_files_are_about_one_thing_and_finished(folder: str) -> None:
    for path in (REPOSITORY / folder).rglob("*"):
        if "node_modules" in path.parts or path.suffix not in (".py", ".ts", ".css"):
            continue
        if path.is_relative_to(PACKAGE / "client"):
            continue
        text = path.read_text()
        assert len(text.splitlines()) <= 400, f"{path} has outgrown its subject"
        assert not re.search(r"util|helper|common|misc", path.stem), path
        assert not re.search(r"\b(TODO|FIXME|XXX)\b", text), path
