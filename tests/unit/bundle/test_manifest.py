"""A bundle may come from anywhere; a deploy of it stays in its own places."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import tarfile
from contextlib import suppress
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cmp_bundle.bundle import dist, manifest
from cmp_bundle.bundle.manifest import Bundle
from cmp_bundle.errors import CmpBundleError
from cmp_bundle.files import Disk
from tests.unit.deploy.trees import bundle, with_profiles

ROOT = Path(__file__).parents[3]
PATIENCE = 60
SEALED = {"0" * 32 + ".bin": b"one", "f" * 32 + ".bin": b"two"}


def document() -> dict[str, Any]:
    return dict(json.loads(bundle().manifest.to_json()))


def refused(changed: Any) -> str:
    with pytest.raises(CmpBundleError) as caught:
        manifest.from_json(json.dumps(changed).encode(), "bundle/manifest.json")
    assert caught.value.file == "bundle/manifest.json"
    assert caught.value.message.isprintable()
    return caught.value.message


def with_file(path: Any, size: Any = 1, sha256: Any = "0" * 64) -> dict[str, Any]:
    content = document()
    return content | {"files": [*content["files"], {"path": path, "size": size, "sha256": sha256}]}


def identified(content: dict[str, Any]) -> dict[str, Any]:
    """``made`` with the id that its files have."""
    files = tuple(manifest.PublishedFile(**file) for file in content["files"])
    return content | {"id": manifest.bundle_id(files)}


def test_there_and_back() -> None:
    content = bundle().manifest
    assert manifest.from_json(content.to_json(), "x") == content
    # Nothing is refused but for what is wrong with it.
    fine = identified(with_file("assets/é/deep.er/x y"))
    assert (
        manifest.from_json(json.dumps(fine).encode(), "x").files[-1].path
        == fine["files"][-1]["path"]
    )


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"id": "aa bb"}, "its id does not match its files"),
        ({"id": "0" * 12}, "its id does not match its files"),
        ({"id": 5}, "its id must be text"),
        ({"made_by": "\x1b[2J"}, "its made_by must be text without control characters"),
        ({"made_by": "x" * 5000}, "its made_by must be text without control"),
        ({"site": "../etc"}, "site.name must be a plain folder name"),
        ({"site": ""}, "site.name must be a plain folder name"),
        ({"site": 5}, "its site must be text"),
        ({"redirect": "/x y"}, "site.redirect must be a path"),
        ({"redirect": "/x\n[general]"}, "its redirect must be text without control"),
        ({"redirect": "/ws"}, "site.redirect must not be one of Asterisk's own"),
        ({"entry": "/etc/passwd"}, "its entry must be index.html"),
        ({"entry": "assets/x"}, "its entry must be index.html"),
        ({"files": []}, "its entry must be index.html, and its files must include index.html"),
        ({"visit": {"requests": -1, "bytes": 0}}, "its visit.requests must be a number, 0 or more"),
        ({"visit": {"requests": True, "bytes": 0}}, "its visit.requests must be a number"),
        ({"visit": {"requests": 1.5, "bytes": 0}}, "its visit.requests must be a number"),
        ({"visit": {"requests": 1, "bytes": 2**53}}, "its visit.bytes must be a number"),
        ({"visit": {"requests": 1}}, "it has no visit.bytes"),
        ({"visit": [1, 2]}, "its visit must be an object"),
        ({"phone": {"source": "x", "revision": None, "tree": "x"}}, "its phone.tree is not a git tree id"),
        ({"phone": {"source": "\0", "revision": None, "tree": "0" * 40}}, "its phone.source must"),
        ({"phone": {"source": "x", "revision": 5, "tree": "0" * 40}}, "its phone.revision must"),
        ({"licences": ["assets/none"]}, "its files do not include all of its licences"),
        ({"licences": "abc"}, "its licences must be a list"),
        ({"profiles": {"count": -1, "sha256": "0" * 64}}, "its profiles.count must be"),
        ({"profiles": {"count": 0, "sha256": "../../x"}}, "one of its SHA-256 values is not 64 hexadecimal digits"),
        ({"profiles": {"count": 0, "sha256": "A" * 64}}, "one of its SHA-256 values is not 64 hexadecimal digits"),
        ({"plain": "a b"}, "must not contain a space"),
        ({"plain": None}, "its plain must be text"),
        ({"format": 99}, "written by another version of cmp-bundle"),
        ({"format": "1"}, "is not a manifest"),
        ({"format": True}, "is not a manifest"),
        ({"files": 5}, "its files must be a list"),
        ({"files": [5]}, "its files must be an object"),
        ({"more": 1}, "has an unknown field"),
    ],
)  # fmt: skip
def test_what_is_refused(changes: dict[str, Any], says: str) -> None:
    assert says in refused(document() | changes)


@pytest.mark.parametrize(
    ("path", "says"),
    [
        ("assets/../../b", "leads out of its folder"),
        ("/etc/passwd", "neither index.html nor below assets/"),
        ("p/x", "neither index.html nor below assets/"),
        ("manifest.json", "neither index.html nor below assets/"),
        ("assets", "neither index.html nor below assets/"),
        ("assets/", "has an empty or '.' part in its name"),
        ("assets//x", "has an empty or '.' part in its name"),
        ("assets/./x", "has an empty or '.' part in its name"),
        ("assets/a\\b", "has a backslash in its name"),
        ("assets/a\0b", "its files.path must be text without control characters"),
        ("assets/a\nb", "its files.path must be text without control characters"),
        ("assets/a\x85b", "its files.path must be text without control characters"),
        ("assets/a\udc80", "its files.path must be text without control characters"),
        ("assets/" + "x" * 201, "has too long a name"),
        ("assets/" + "é" * 101, "has too long a name"),
        ("assets/" + "x/" * 600 + "x", "is more than 32 folders deep"),
        ("index.html", "exists twice"),
        ("assets/.git/config", "belongs to a git repository"),
        (5, "its files.path must be text"),
        ("", "neither index.html nor below assets/"),
    ],
)
def test_paths_that_no_build_makes(path: Any, says: str) -> None:
    """With a NUL, every command that met it was a bug; with others, files went elsewhere."""
    assert says in refused(with_file(path))


def test_files_that_no_disk_holds_at_once() -> None:
    content = with_file("assets/A/x")
    for path, says in {
        "assets/A/X": "differs from 'assets/A/x' only by case",
        "assets/a/y": "only by case",
        "assets/A": "a file as well as a folder",
        "assets/A/x/y": "a file as well as a folder",
    }.items():
        file = {"path": path, "size": 1, "sha256": "0" * 64}
        assert says in refused(content | {"files": [*content["files"], file]})
    assert "larger than 32 MiB" in refused(with_file("assets/x", 2**26))
    assert "must be a number" in refused(with_file("assets/x", -1))
    many = [{"path": f"assets/{n}", "size": 0, "sha256": "0" * 64} for n in range(10_001)]
    assert "exceeds the limit" in refused(content | {"files": many})
    assert "one of its SHA-256 values is not 64 hexadecimal digits" in refused(
        identified(with_file("assets/x", 1, "0" * 63))
    )


@pytest.mark.parametrize(
    "data",
    [b"", b"[]", b"{}", b'{"a', b"\xff", b"null", b"1" * 5000, b"NaN", b'{"format": 1}',
     b"[" * 100_000, b'{"a":' * 100_000],
)  # fmt: skip
def test_what_is_no_manifest(data: bytes) -> None:
    with pytest.raises(CmpBundleError, match="is not a manifest of cmp-bundle"):
        manifest.from_json(data, Path("manifest.json"))


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.sampled_from(["index.html", "assets/x", "p/x", "..", "/", "\0", "0" * 64, "\ud800"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=8,
)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The ways to everything in a document."""
    keys = (
        value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    )
    return [path, *(way for key in keys for way in places(value[key], (*path, key)))]


@st.composite
def documents(draw: st.DrawFn) -> Any:
    """A right one in which a few things are something else, or gone."""
    content: Any = deepcopy(document())
    for _ in range(draw(st.integers(0, 3))):
        *above, last = draw(st.sampled_from([way for way in places(content) if way]))
        holder = content
        for key in above:
            holder = holder[key]
        if draw(st.booleans()):
            holder[last] = draw(JSON)
        else:
            del holder[last]
        if not isinstance(content, dict) or not content:
            break
    if draw(st.booleans()):
        with suppress(KeyError, TypeError):
            content = identified(content)
    return content


@pytest.mark.slow
@given(documents() | JSON)
def test_whatever_is_accepted_comes_back_and_whatever_is_not_is_no_bug(content: Any) -> None:
    data = json.dumps(content).encode()
    try:
        read = manifest.from_json(data, "x")
    except CmpBundleError:
        return
    assert manifest.from_json(read.to_json(), "x") == read
    again = json.loads(read.to_json())
    assert {name: again[name] for name in content} == content
    # What a deploy makes names of.
    assert read.id == manifest.bundle_id(read.files)
    assert len(read.profiles.sha256) == 64
    assert {p.split("/")[0] for p in (f.path for f in read.files)} <= {"index.html", "assets"}


@given(st.binary(max_size=400))
def test_any_bytes_at_all(data: bytes) -> None:
    with pytest.raises(CmpBundleError):
        manifest.from_json(data, "x")


# A folder, and an archive of one


def in_a_folder(folder: Path) -> Bundle:
    content = with_profiles(bundle(), SEALED)
    dist.write(content, folder, Disk())
    return content


def packed(folder: Path, archive: Path) -> Path:
    with tarfile.open(archive, "w") as tar:
        tar.add(folder, "bundle")
    return archive


def test_a_bundle_comes_back_from_its_folder_and_from_an_archive(tmp_path: Path) -> None:
    content = in_a_folder(tmp_path / "dist")
    assert manifest.read(tmp_path / "dist") == content
    assert manifest.read(packed(tmp_path / "dist", tmp_path / "a.tar")) == content
    (tmp_path / "link").symlink_to("dist")
    assert manifest.read(tmp_path / "link") == content


def test_anything_else_in_it_is_told(tmp_path: Path) -> None:
    folder = tmp_path / "dist"
    content = in_a_folder(folder)
    page = content.files["index.html"]
    for path, data in {
        "index.html": page + b" ",
        "p/" + "0" * 32 + ".bin": b"x",
        "p/" + "1" * 32 + ".bin": b"x",
        "p/more": b"x",
    }.items():
        file = folder / path
        before = file.read_bytes() if file.exists() else None
        file.write_bytes(data)
        for place in (folder, packed(folder, tmp_path / "a.tar")):
            with pytest.raises(CmpBundleError, match="was changed after the build"):
                manifest.read(place)
        file.unlink()
        if before is not None:
            file.write_bytes(before)
    manifest.read(folder)
    (folder / "p" / ("0" * 32 + ".bin")).unlink()
    with pytest.raises(CmpBundleError, match="was changed after the build"):
        manifest.read(folder)
    (folder / "index.html").unlink()
    with pytest.raises(CmpBundleError, match="is missing from the bundle"):
        manifest.read(folder)
    with pytest.raises(CmpBundleError, match="holds no bundle"):
        manifest.read(tmp_path / "nothing")
    with pytest.raises(CmpBundleError, match="cannot be read: file name too long"):
        manifest.read(tmp_path / ("x" * 300))


@pytest.mark.slow
@pytest.mark.parametrize("path", ["manifest.json", "index.html", "p/" + "0" * 32 + ".bin"])
@pytest.mark.parametrize("kind", ["pipe", "link", "endless"])
def test_what_stands_in_a_file_s_place_is_not_waited_for(
    kind: str, path: str, tmp_path: Path
) -> None:
    folder = tmp_path / "dist"
    in_a_folder(folder)
    (folder / path).unlink()
    if kind == "pipe":
        os.mkfifo(folder / path)
    elif kind == "link":
        (folder / path).symlink_to("/dev/zero")
    else:
        (folder / path).touch()
        os.truncate(folder / path, 2**33)
    code = (
        "import sys; from pathlib import Path; from cmp_bundle.bundle import manifest\n"
        "from cmp_bundle.errors import CmpBundleError\n"
        "try: manifest.read(Path(sys.argv[1]))\n"
        "except CmpBundleError as error: print(error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, folder],
        capture_output=True, text=True, timeout=PATIENCE, check=True,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    says = {"pipe": "is a device or a pipe", "link": "is a symlink", "endless": "is too large"}
    assert says[kind] in done.stdout
    assert str(folder / path) in done.stdout


def test_a_build_does_not_wait_for_what_stands_in_its_folder(tmp_path: Path) -> None:
    folder = tmp_path / "dist"
    content = in_a_folder(folder)
    (folder / "index.html").unlink()
    os.mkfifo(folder / "index.html")
    assert dist.write(content, folder, Disk())
    assert manifest.read(folder) == content
    (folder / "manifest.json").unlink()
    os.mkfifo(folder / "manifest.json")
    with pytest.raises(CmpBundleError, match="was not written by cmp-bundle"):
        dist.write(content, folder, Disk())


def test_an_archive_with_more_than_it_says(tmp_path: Path) -> None:
    in_a_folder(tmp_path / "dist")
    archive = packed(tmp_path / "dist", tmp_path / "a.tar")
    with tarfile.open(archive, "a") as tar:
        entry = tarfile.TarInfo("bundle/p/../../x")
        entry.size = 1
        tar.addfile(entry, io.BytesIO(b"x"))
    with pytest.raises(CmpBundleError, match="leads out of its folder"):
        manifest.read(archive)
    pipe = tmp_path / "pipe.tar"
    os.mkfifo(pipe)
    with pytest.raises(CmpBundleError, match="holds no bundle"):
        manifest.read(pipe)


def test_a_build_writes_nothing_that_a_deploy_would_refuse(tmp_path: Path) -> None:
    content = bundle()
    files = {**content.files, "assets/" + "x" * 250: b""}
    listed = manifest.listed(files)
    about = replace(content.manifest, files=listed, id=manifest.bundle_id(listed))
    with pytest.raises(CmpBundleError, match=r"cannot be deployed: .*too long a name"):
        dist.write(Bundle(files, about), tmp_path / "dist", Disk())
    assert not (tmp_path / "dist").exists()
