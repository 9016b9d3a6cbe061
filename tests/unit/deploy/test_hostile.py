"""Root at work in folders whose owner means harm: Asterisk's own user, or whoever has become it.

On Debian that user has /etc/asterisk; after a build from source it has the data folder as well. What
is outside of these it could not change itself, and nothing that it puts there makes root do it.
"""

from __future__ import annotations

import base64
import fcntl
import json
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cmp_bundle.bundle import manifest
from cmp_bundle.errors import CmpBundleError
from cmp_bundle.files import Disk

from .trees import Server, bundle, snapshot, tree, visit, with_profiles

pytestmark = [
    pytest.mark.skipif(os.geteuid() != 0, reason="only root can be tricked into more"),
    pytest.mark.slow,
]

USER = 4711
ETC = "etc/asterisk"
STATIC = "usr/share/asterisk/static-http"
HIDDEN = f"{STATIC}/.cyber_mega_phone_2k"


def give(path: Path, uid: int = USER) -> None:
    """All of ``path`` to Asterisk's user."""
    for each in (path, *path.rglob("*")):
        os.chown(each, uid, uid, follow_symlinks=False)


@pytest.fixture(params=["Debian", "from source"])
def root(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A system with an Asterisk whose user owns what it owns there."""
    made = tree(tmp_path / "system")
    (made / "etc/passwd").write_text(f"asterisk:x:{USER}:{USER}::/:/bin/false\n")
    for folder in (tmp_path, made, *(p for p in made.rglob("*") if p.is_dir())):
        folder.chmod(0o755)
    give(made / ETC)
    if request.param == "from source":
        give(made / "usr/share/asterisk")
    return made


@pytest.fixture
def theirs(root: Path) -> Iterator[Path]:
    """Folders of root's, inside of the system and outside; nothing in them may change."""
    for top in (root, root.parent / "host"):
        for name in ("cron.d", "mysql", "secret"):
            (top / name).mkdir(parents=True)
            (top / name).chmod(0o755)
        (top / "cron.d/job").write_text("* * * * * root true\n")
        (top / "mysql/debian.cnf").write_text(
            "[client]\ntype=auth\nusername=root\npassword=hidden\n"
        )
        (top / "mysql/debian.cnf").chmod(0o600)
        # What Asterisk would take for its own: so that it is no mistake in it that ends a command.
        for name in ("http.conf", "extensions.conf"):
            (top / "cron.d" / name).write_bytes((root / ETC / name).read_bytes())
        (top / "secret/shadow").write_text("[general]\n[phones]\nroot = root:hash\n")
        (top / "secret/shadow").chmod(0o600)
        (top / "secret").chmod(0o700)
    places = [
        top / n for top in (root, root.parent / "host") for n in ("cron.d", "mysql", "secret")
    ]
    before = [snapshot(place) for place in places]
    yield root.parent / "host"
    assert [snapshot(place) for place in places] == before, "root changed what is root's"


def as_they_please(act: Callable[[], object]) -> None:
    """Whether it is refused or works: it is what it changes that counts."""
    try:
        act()
    except CmpBundleError as error:
        assert error.hint or error.file, error


def everything(server: Server) -> None:
    """Every command that changes a server."""
    as_they_please(lambda: server.deploy(bundle("three"), keep=1))
    as_they_please(server.roll_back)
    as_they_please(lambda: server.reseal({"b.bin": b"b"}))
    as_they_please(server.undeploy)


def deployed(root: Path) -> Server:
    server = Server(root)
    server.deploy(with_profiles(bundle("one"), {"a.bin": b"a"}))
    server.deploy(with_profiles(bundle("two"), {"a.bin": b"a"}))
    return server


def owned_by_user(root: Path) -> bool:
    return (root / STATIC).stat().st_uid == USER


@pytest.mark.usefixtures("theirs")
def test_a_journal_that_was_planted_undoes_nothing(root: Path) -> None:
    job = root / "cron.d/evil"
    planted = {
        "format": 1,
        "action": "deploy",
        "phase": "changing",
        "finishing": False,
        "reload": [],
        "then": [str(root / "cron.d")],
        "cleanup": [{"path": str(root / "cron.d/job"), "names": None}],
        "steps": [{"kind": "path", "path": str(job), "theirs": False, "included": None,
                   "before": {"file": "", "owner": [0, 0, 0o4755], "mtime": None}, "after": None}],
        "changes": [{"path": str(job), "included": None, "after": None,
                     "before": {"file": "", "owner": [0, 0, 0o4755], "mtime": None}}],
    }  # fmt: skip
    folder = root / ETC / "cmp-bundle"
    folder.mkdir()
    for name in ("checkpoint.json", "journal.json"):
        (folder / name).write_text(json.dumps(planted))
    give(folder)
    server = Server(root)
    server.deploy(bundle("one"))
    assert visit(root) == "one"
    assert not job.exists()


@pytest.mark.parametrize("whose", ["another's", "for others to write", "of another place"])
def test_a_journal_in_our_own_folder_is_believed_only_if_it_is_ours(root: Path, whose: str) -> None:
    server = Server(root)
    job = root / "etc/evil"
    step = {"kind": "path", "path": str(job), "theirs": False, "included": None, "after": None,
            "before": {"file": "", "owner": [0, 0, 0o755], "mtime": None}}  # fmt: skip
    inside = step | {"path": str(root / ETC / "evil")}
    journal = server.engine.journal.path
    journal.write_text(
        json.dumps(
            {
                "format": 1,
                "action": "deploy",
                "finishing": False,
                "steps": [step if whose == "of another place" else inside],
                "cleanup": [],
            }
        )
    )
    journal.chmod(0o666 if whose == "for others to write" else 0o600)
    if whose == "another's":
        os.chown(journal, USER, USER)
    with pytest.raises(CmpBundleError, match="trusted") as caught:
        server.deploy(bundle("one"))
    assert caught.value.file == str(journal)
    assert not job.exists()
    assert not (root / ETC / "evil").exists()


@pytest.mark.parametrize(
    "place",
    [HIDDEN, f"{HIDDEN}/assets", f"{HIDDEN}/releases", f"{HIDDEN}/profiles", STATIC,
     f"{ETC}/cmp-bundle", f"{ETC}/http.conf", f"{ETC}/extensions.conf"],
)  # fmt: skip
@pytest.mark.parametrize("target", ["cron.d", "host", "climbing"])
def test_a_link_in_the_place_of_a_folder_leads_nowhere(
    root: Path, theirs: Path, place: str, target: str
) -> None:
    server = deployed(root)
    path = root / place
    if place.startswith("usr") and not owned_by_user(root):
        pytest.skip("here that user cannot put one there")
    away = root / "moved"
    path.rename(away)
    leads = {"cron.d": "/cron.d", "host": str(theirs / "cron.d"), "climbing": "../" * 20 + "cron.d"}
    path.symlink_to(leads[target] + (f"/{path.name}" if place.endswith(".conf") else ""))
    os.chown(path, USER, USER, follow_symlinks=False)
    everything(server)


@pytest.mark.parametrize("target", ["cron.d", "host"])
@pytest.mark.parametrize("step", ["mkdir", "write", "rename", "symlink", "unlink", "rmdir"])
def test_a_folder_that_is_exchanged_after_the_look(
    root: Path, theirs: Path, step: str, target: str
) -> None:
    """The attacker is always quick enough: in the moment before each step of that kind."""
    deployed(root)
    taken: list[Path] = []

    def exchange(name: str, path: Path) -> None:
        parent = path.parent
        inside = parent.is_relative_to(root / ETC) or (
            owned_by_user(root) and parent.is_relative_to(root / HIDDEN)
        )
        if name != step or not inside or parent == root / ETC or parent.is_symlink():
            return
        aside = root / f"aside-{len(taken)}"
        parent.rename(aside)
        # One is root's in the tree that is Asterisk's /, the other lies outside of it.
        parent.symlink_to("/cron.d" if target == "cron.d" else theirs / "cron.d")
        os.chown(parent, USER, USER, follow_symlinks=False)
        taken.append(parent)

    server = Server(root, Disk(exchange))
    everything(server)


def test_a_forged_manifest_is_not_believed(root: Path) -> None:
    """It names the files to be thrown away, and what Asterisk's redirect leads to."""
    server = deployed(root)
    first, second = server.found().releases
    site = server.found().site
    path = site.manifest_of(first)
    document = json.loads(path.read_text())
    document["redirect"] = "/evil"
    document["files"][0]["path"] = "assets/../../../../../../cron.d/job"
    path.write_text(json.dumps(document))
    with pytest.raises(CmpBundleError):
        server.roll_back(first)
    document["redirect"] = "/cmp2k"
    document["files"][0] = {"path": "assets/theirs", "size": 1, "sha256": "0" * 64}
    document["files"].sort(key=lambda file: file["path"])
    listed = tuple(manifest.PublishedFile(**file) for file in document["files"])
    document["id"] = manifest.bundle_id(listed)
    path.write_text(json.dumps(document))
    with pytest.raises(CmpBundleError, match="is not the manifest that was deployed"):
        server.roll_back(first)
    (site.assets / "theirs").write_text("not named by any of ours")
    server.deploy(bundle("three"), keep=1)
    server.deploy(bundle("four"), keep=1)
    assert (site.assets / "theirs").read_text() == "not named by any of ours"
    assert second not in server.found().releases


def test_a_release_that_is_exchanged_during_a_rollback(root: Path, theirs: Path) -> None:
    if not owned_by_user(root):
        pytest.skip("here that user cannot touch a release")
    server = deployed(root)
    first = server.found().releases[0]

    def exchange(name: str, path: Path) -> None:
        folder = server.found().site.release(first)
        if name == "write" and path.parent == folder and not folder.is_symlink():
            folder.rename(root / "aside")
            folder.symlink_to(theirs / "cron.d")

    as_they_please(lambda: Server(root, Disk(exchange)).roll_back())
    assert not (theirs / "cron.d/index.html").exists()


@pytest.mark.usefixtures("theirs")
@pytest.mark.parametrize("way", ["symlink", "hard link"])
def test_what_asterisk_cannot_read_is_not_read_for_it(root: Path, way: str) -> None:
    """/etc/shadow stood in the checkpoint, and our line in /etc/shadow."""
    conf = root / ETC / "extensions.conf"
    conf.unlink()
    if way == "symlink":
        conf.symlink_to("/secret/shadow")
        os.chown(conf, USER, USER, follow_symlinks=False)
    else:
        os.link(root / "secret/shadow", conf)
    shadow = root / "secret/shadow"
    # The second is how a journal has it.
    told = (b"root:hash", base64.b64encode(shadow.read_bytes()))
    state = Path(os.environ["CMP_BUNDLE_STATE"])

    def remember(_name: str, _path: Path) -> None:
        for path in (p for p in state.rglob("*") if p.is_file()):
            assert not any(form in path.read_bytes() for form in told), path

    server = Server(root, Disk(remember))
    as_they_please(lambda: server.deploy(bundle("one")))
    assert "cmp-bundle" not in shadow.read_text()
    as_they_please(server.undeploy)
    conf.unlink()  # with a hard link gone, the file is as it was


def test_a_file_with_a_setuid_bit_gives_none_away(root: Path) -> None:
    conf = root / ETC / "http.conf"
    os.chown(conf, 0, 0)
    conf.chmod(0o4755)
    Server(root).deploy(bundle("one"))
    assert visit(root) == "one"
    for path in (conf, root / ETC / "cmp-bundle/http.conf"):
        assert not path.stat().st_mode & 0o7000


@pytest.mark.timeout(60)
@pytest.mark.parametrize(
    "place",
    ["{hidden}/releases/{first}.json", "{hidden}/releases/{first}/index.html",
     "{etc}/cmp-bundle/http.conf", "{etc}/http.conf", "{etc}/extensions.conf",
     "{etc}/extconfig.conf", "{etc}/asterisk.conf", "{hidden}/releases/{second}.json"],
)  # fmt: skip
def test_nothing_is_waited_for(root: Path, place: str) -> None:
    """A pipe that nobody writes to, where a file should be."""
    server = deployed(root)
    first, second = server.found().releases
    path = root / place.format(hidden=HIDDEN, etc=ETC, first=first, second=second)
    path.unlink(missing_ok=True)
    os.mkfifo(path)
    os.chown(path, USER, USER)
    as_they_please(lambda: everything(Server(root)))


@pytest.mark.timeout(60)
def test_a_lock_of_asterisk_s_user_keeps_nobody_waiting(root: Path) -> None:
    held = [os.open(root / p, os.O_RDONLY) for p in (ETC, STATIC)]
    for descriptor in held:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
    try:
        Server(root).deploy(bundle("one"))
    finally:
        for descriptor in held:
            os.close(descriptor)
    assert visit(root) == "one"


def test_the_word_of_asterisk_s_own_files_makes_nobody_else_s_rights(root: Path) -> None:
    """``runuser`` in a file that Asterisk's user can write names another user, or root."""
    (root / "etc/passwd").write_text(
        f"asterisk:x:{USER}:{USER}::/:/bin/false\nalice:x:1234:1234::/:/bin/sh\nroot:x:0:0::/:/bin/sh\n"
    )
    for name in ("root", "alice"):
        conf = root / ETC / "asterisk.conf"
        conf.write_text(f"[options]\nrunuser = {name}\n")
        os.chown(conf, USER, USER)
        where = Server(root).installation
        assert where.user.value == "asterisk"
        assert where.rights is not None
        assert where.rights.uid == USER


def test_a_data_folder_of_root_s_is_given_nothing(root: Path) -> None:
    """asterisk.conf says where static-http lies, and its owner may say anything."""
    conf = root / ETC / "asterisk.conf"
    (root / "opt").mkdir()
    conf.write_text("[directories]\nastdatadir => /opt\n")
    os.chown(conf, USER, USER)
    with pytest.raises(CmpBundleError, match="static-http does not exist") as caught:
        Server(root).deploy(bundle("one"))
    assert "[asterisk] data_dir" in (caught.value.hint or "")
    assert list((root / "opt").iterdir()) == []


def test_a_system_that_works_goes_on_working(root: Path) -> None:
    before = snapshot(root)
    server = deployed(root)
    assert visit(root) == "two"
    server.roll_back()
    assert visit(root) == "one"
    owner = (root / STATIC).stat().st_uid
    for path in (root / HIDDEN).rglob("*"):
        assert path.lstat().st_uid == owner, path
    server.undeploy()
    assert snapshot(root) == before
    shutil.rmtree(root / HIDDEN, ignore_errors=True)
