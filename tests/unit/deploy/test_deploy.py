from __future__ import annotations

import os
from pathlib import Path

import pytest

from cmp_bundle.bundle import manifest
from cmp_bundle.changes.described import changed_paths
from cmp_bundle.cli.changes import dry_run
from cmp_bundle.commands.result import ServerChanges
from cmp_bundle.errors import CmpBundleError

from .trees import HTTP_CONF, Server, bundle, snapshot, tree, visit, with_profiles


def test_exactly_these_files(tmp_path: Path) -> None:
    server = Server(tree(tmp_path))
    made = bundle()
    release = server.deploy(made).plan.release
    site = "usr/share/asterisk/static-http"
    new = set(snapshot(tmp_path)) - {"etc", "usr"}
    home = f"{site}/.cyber_mega_phone_2k"
    assert {p for p in new if "cmp-bundle" in p or "cyber" in p} == {
        "etc/asterisk/cmp-bundle",
        "etc/asterisk/cmp-bundle/http.conf",
        f"{site}/cyber_mega_phone_2k",
        home,
        f"{home}/assets",
        *(f"{home}/{f}" for f in made.files if f.startswith("assets/")),
        f"{home}/releases",
        f"{home}/releases/{release}",
        f"{home}/releases/{release}/assets",
        f"{home}/releases/{release}/index.html",
        f"{home}/releases/{release}/p",
        f"{home}/releases/{release}.json",
    }
    assert (
        str((tmp_path / site / "cyber_mega_phone_2k").readlink())
        == f".cyber_mega_phone_2k/releases/{release}"
    )
    assert visit(tmp_path) == "one"


def test_the_second_time_nothing_changes(tmp_path: Path) -> None:
    server = Server(tree(tmp_path))
    server.deploy(bundle())
    before = snapshot(tmp_path)
    assert server.deploy(bundle()).plan.steps == ()
    assert snapshot(tmp_path) == before


def test_our_file_is_left_and_only_the_line_is_missing(tmp_path: Path) -> None:
    """As a cut-off undeploy leaves it: within that second a deploy has nothing to change in it."""
    server = Server(tree(tmp_path))
    server.deploy(bundle(), moment=2_000_000_000)
    ours = tmp_path / "etc/asterisk/cmp-bundle/http.conf"
    content = ours.read_bytes()
    server.undeploy()
    ours.parent.mkdir()
    ours.write_bytes(content)
    ours.chmod(0o640)
    server.deploy(bundle(), moment=2_000_000_000)
    assert ours.read_bytes() == content
    assert visit(tmp_path) == "one"


def test_undeploy_leaves_everything_as_it_was(tmp_path: Path) -> None:
    server = Server(tree(tmp_path))
    before = snapshot(tmp_path)
    server.deploy(bundle("one"))
    server.deploy(bundle("two"))
    server.undeploy()
    assert snapshot(tmp_path) == before
    assert server.undeploy().plan.steps == ()


def test_a_rollback_and_forward_again(tmp_path: Path) -> None:
    server = Server(tree(tmp_path))
    first = server.deploy(bundle("one")).plan.release
    second = server.deploy(bundle("two")).plan.release
    assert visit(tmp_path) == "two"
    assert server.roll_back().plan.release == first
    assert visit(tmp_path) == "one"
    assert server.roll_back(second).plan.release == second
    assert visit(tmp_path) == "two"
    with pytest.raises(CmpBundleError, match="no release nothing"):
        server.roll_back("nothing")
    server.roll_back()
    with pytest.raises(CmpBundleError, match="no release before") as caught:
        server.roll_back()
    assert second is not None
    assert second in (caught.value.hint or "")


@pytest.mark.slow
def test_every_switch_is_later_than_any_before(tmp_path: Path) -> None:
    """Asterisk's ETag is the time in seconds: it must never come twice, nor the redirect's query."""
    server = Server(tree(tmp_path))
    seen: list[tuple[int, str | None]] = []

    def note() -> None:
        found = server.found()
        page = found.site.link / manifest.ENTRY
        seen.append((int(page.stat().st_mtime), found.version))

    for version in ("one", "two", "one", "two"):
        server.deploy(bundle(version), moment=1_000_000)
        note()
    for _ in range(2):
        server.roll_back()
        note()
    times = [t for t, _ in seen]
    assert times == sorted(set(times))
    assert len({v for _, v in seen}) == len(seen)


@pytest.mark.slow
def test_old_releases_go_and_the_replaced_one_stays(tmp_path: Path) -> None:
    server = Server(tree(tmp_path))
    releases = [server.deploy(bundle(f"v{n}"), keep=2).plan.release for n in range(5)]
    assert server.found().releases == releases[-2:]
    # Each has a packed and a plain file with the code; the licences are the same for all.
    assert len(list(server.found().site.assets.iterdir())) == 5
    server.deploy(bundle("v9"), keep=1)
    assert len(server.found().releases) == 2


def test_assets_of_the_release_before_stay_reachable(tmp_path: Path) -> None:
    server = Server(tree(tmp_path))
    server.deploy(bundle("one"))
    old = {p for p in bundle("one").files if p.startswith("assets/")}
    server.deploy(bundle("two"), keep=1)
    for path in old:
        assert (server.found().site.link / path).is_file()


def test_owner_and_mode_of_their_file_stay(tmp_path: Path) -> None:
    tree(tmp_path)
    conf = tmp_path / "etc/asterisk/http.conf"
    conf.chmod(0o604)
    if os.geteuid() == 0:
        os.chown(conf, 1234, 4321)
    before = conf.stat()
    Server(tmp_path).deploy(bundle())
    after = conf.stat()
    ours = (tmp_path / "etc/asterisk/cmp-bundle/http.conf").stat()
    assert (after.st_mode, after.st_uid, after.st_gid) == (
        before.st_mode,
        before.st_uid,
        before.st_gid,
    )
    assert (ours.st_mode, ours.st_uid, ours.st_gid) == (
        before.st_mode,
        before.st_uid,
        before.st_gid,
    )


def test_a_symlinked_file_is_changed_where_it_lies(tmp_path: Path) -> None:
    tree(tmp_path)
    conf = tmp_path / "etc/asterisk/http.conf"
    real = tmp_path / "srv/config/http.conf"
    real.parent.mkdir(parents=True)
    conf.rename(real)
    conf.symlink_to("/srv/config/http.conf")  # as seen inside the root
    server = Server(tmp_path)
    server.deploy(bundle())
    assert conf.is_symlink()
    assert b"#tryinclude" in real.read_bytes()
    assert visit(tmp_path) == "one"
    server.undeploy()
    assert real.read_bytes() == HTTP_CONF


def test_what_others_wrote_behind_the_line_stays(tmp_path: Path) -> None:
    server = Server(tree(tmp_path))
    server.deploy(bundle())
    conf = tmp_path / "etc/asterisk/http.conf"
    conf.write_bytes(conf.read_bytes() + b"[/static/x]\ntype=restriction\n")
    assert server.deploy(bundle()).plan.steps == ()
    server.undeploy()
    assert conf.read_bytes() == HTTP_CONF + b"[/static/x]\ntype=restriction\n"


def test_a_dry_run_shows_the_differences(tmp_path: Path) -> None:
    server = Server(tree(tmp_path))
    before = snapshot(tmp_path)
    plan = server.to_deploy(bundle())
    changes = changed_paths(plan.steps, plan.cleanup)
    shown = dry_run(ServerChanges(changed=True, changes=changes, reloads=plan.reloads))
    assert "+#tryinclude cmp-bundle/http.conf" in shown.splitlines()
    assert "reload   module reload http" in shown.splitlines()
    assert snapshot(tmp_path) == before


@pytest.mark.parametrize("http", [b"", b"; nothing but this\n", b"[other]\ntlsenable=yes\n"])
def test_without_a_general_there_is_no_listener(tmp_path: Path, http: bytes) -> None:
    server = Server(tree(tmp_path, http))
    with pytest.raises(CmpBundleError, match="HTTPS is not enabled") as caught:
        server.deploy(bundle())
    assert "tlsenable = yes" in (caught.value.hint or "")


def test_the_prefix_is_respected(tmp_path: Path) -> None:
    server = Server(tree(tmp_path, HTTP_CONF + b"prefix=pbx\n"))
    plan = server.deploy(bundle()).plan
    assert (plan.expected.page or "").startswith("/pbx/static/cyber_mega_phone_2k/index.html?v=")
    assert plan.expected.socket == "/pbx/ws"
    assert visit(tmp_path) == "one"


def refused(server: Server, **kwargs: object) -> CmpBundleError:
    before = snapshot(server.root)
    with pytest.raises(CmpBundleError) as caught:
        server.deploy(bundle(), **kwargs)  # type: ignore[arg-type]
    assert snapshot(server.root) == before, "refused, and yet something changed"
    return caught.value


@pytest.mark.parametrize(
    ("http", "line", "says"),
    [
        (HTTP_CONF + b"redirect=/CMP2K /elsewhere\n", 7, "a redirect of /cmp2k already"),
        (HTTP_CONF + b"\n;-- what for?\n", 8, "never closed"),
        (b"x=1\n" + HTTP_CONF, 1, "Asterisk would refuse this file"),
        (HTTP_CONF + b"#include nowhere.conf\n", 7, "Asterisk would refuse this file"),
        (None, None, "does not exist"),
    ],
)
def test_refused_with_reason_and_place(
    tmp_path: Path, http: bytes | None, line: int | None, says: str
) -> None:
    error = refused(Server(tree(tmp_path, http)))
    assert says in error.message
    assert error.line == line
    assert (error.file or "").endswith("http.conf")
    assert error.hint


def test_a_site_that_is_not_ours_is_left_alone(tmp_path: Path) -> None:
    for kind in ("folder", "link", "file"):
        root = tree(tmp_path / kind)
        place = root / "usr/share/asterisk/static-http/cyber_mega_phone_2k"
        if kind == "folder":
            place.mkdir()
            (place / "index.html").write_text("mine")
        elif kind == "link":
            place.symlink_to("/srv/phone")
        else:
            place.write_text("mine")
        error = refused(Server(root))
        assert "did not make it" in error.message
        assert error.file == str(place)


def test_a_configuration_from_a_database_is_refused(tmp_path: Path) -> None:
    root = tree(tmp_path, extconfig_conf=b"[settings]\nhttp.conf => mysql,general,ast_config\n")
    error = refused(Server(root))
    assert "comes from a database" in error.message
    assert error.line == 2


def test_another_site_of_ours_is_not_forgotten(tmp_path: Path) -> None:
    server = Server(tree(tmp_path))
    server.deploy(bundle())
    with pytest.raises(CmpBundleError, match="already deployed here as cyber_mega_phone_2k"):
        server.deploy(bundle(name="another"))
    server.undeploy()
    server.deploy(bundle(name="another"))
    assert visit(tmp_path) == "one"
    server.undeploy()  # finds the name out by itself
    assert visit(tmp_path) is None


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_without_the_rights_nothing_is_touched(tmp_path: Path) -> None:
    server = Server(tree(tmp_path))
    static = tmp_path / "usr/share/asterisk/static-http"
    static.chmod(0o555)
    try:
        error = refused(server)
    finally:
        static.chmod(0o755)
    assert "sudo" in (error.hint or "")


def test_a_damaged_release_is_deployed_again(tmp_path: Path) -> None:
    server = Server(tree(tmp_path))
    server.deploy(bundle())
    page = server.found().site.link / "index.html"
    page.write_text("damaged")
    assert server.deploy(bundle()).plan.steps
    assert visit(tmp_path) == "one"


@pytest.mark.slow
def test_profiles_come_change_and_go_without_a_release(tmp_path: Path) -> None:
    server = Server(tree(tmp_path))
    first = server.deploy(bundle("one")).plan.release
    server.deploy(bundle("two"))

    def served(release: str | None = None) -> dict[str, bytes]:
        site = server.found().site
        folder = site.release(release) if release else site.link
        return {p.name: p.read_bytes() for p in (folder / "p").glob("*")}

    both = with_profiles(bundle("two"), {"a.bin": b"alice", "b.bin": b"bob"})
    release = server.deploy(both).plan.release
    assert release == server.found().current
    assert len(server.found().releases) == 2, "no new release for that"
    assert served() == {"a.bin": b"alice", "b.bin": b"bob"}
    assert server.deploy(both).plan.steps == ()
    server.deploy(with_profiles(bundle("two"), {"a.bin": b"alice, new password"}))
    assert served() == {"a.bin": b"alice, new password"}
    # Bob is gone from all releases, the older ones too.
    assert served(first) == served()
    server.roll_back()
    assert served() == {"a.bin": b"alice, new password"}
    server.deploy(bundle("two"))
    assert served() == {}
    assert not list((server.found().site.hidden / "profiles").iterdir())


def test_all_that_is_in_the_way_is_told_at_once(tmp_path: Path) -> None:
    http = b"[general]\nenabled=yes\nbindaddr=127.0.0.1\nprefix=a b\nredirect = /cmp2k /elsewhere\n"
    root = tree(tmp_path, http)
    (root / "etc/asterisk/extconfig.conf").write_text("[settings]\nhttp.conf => odbc,asterisk\n")
    with pytest.raises(CmpBundleError) as caught:
        Server(root).deploy(bundle())
    codes = {one.code for one in caught.value.findings}
    assert codes == {"http-conf-in-database", "prefix-unusable", "redirect-taken", "T101"}
