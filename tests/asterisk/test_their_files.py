"""Over files of all kinds: a deploy adds one line to each, an undeploy takes it out again."""

from __future__ import annotations

import os
import random
from itertools import islice
from pathlib import Path

import pytest

from cmp_bundle.accounts import from_pjsip
from cmp_bundle.asterisk import reader
from cmp_bundle.asterisk.http_conf import http_server
from cmp_bundle.changes.include_line import add_line, line_for, remove_line
from cmp_bundle.deploy.plan import to_undeploy
from cmp_bundle.errors import CmpBundleError
from tests.testbed import roots
from tests.testbed.server import Asterisk
from tests.unit.deploy.trees import HTTP_CONF, Server, bundle, snapshot, tree, visit
from tests.unit.provision.servers import packaged

from . import grammar
from .test_http_conf_agrees import Ground, Maker

SEED = os.environ.get("CMP_BUNDLE_AGREE_SEED", "1")
CASES = int(os.environ.get("CMP_BUNDLE_THEIR_FILES", "1000"))
#: As many in every run as tell something, and all of them in a long one.
SHARES = pytest.mark.parametrize("share", [4, pytest.param(1, marks=pytest.mark.soak)])


def corpus(name: str) -> list[bytes]:
    """Generated files, and variations of one that works: line ends, comments, no last newline."""
    generated = [
        next(iter(grammar.case(f"{SEED}-their-{name}-{n}", "/etc/asterisk").files.values()))
        for n in range(CASES)
    ]
    working = HTTP_CONF if name == "http.conf" else b"[phones]\nexten => 1,1,Answer()\n"
    variations = [
        working,
        working.rstrip(),
        working.replace(b"\n", b"\r\n"),
        working.replace(b"\n", b"\r\n").rstrip(),
        b"\xef\xbb\xbf" + working,
        b";-- a block\n--;\n" + working,
        working + b"[general](+)\nx=1\n",
        working + b"[t](!)\na=b\n[u](t)\n",
        working + b"#tryinclude nowhere.conf",
        working + b"; the end, without a newline",
        working + b"\n\n\n",
        working + b"\t ",
        working + working,
    ]
    return generated + variations + [working + text for text in generated[: CASES // 4]]


@pytest.mark.parametrize("name", ["http.conf", "pjsip.conf", "extensions.conf"])
def test_the_line_goes_in_and_out_of_any_bytes(name: str) -> None:
    for data in corpus(name):
        added = add_line(data, name)
        assert added.startswith(data)
        assert added[len(data) :].strip() == line_for(name)
        assert remove_line(added, name) == data


def test_files_as_shipped() -> None:
    """Those that the two versions come with, real ones of a thousand lines."""
    reason = roots.why_not()
    if reason:
        pytest.skip(reason)
    for release in roots.RELEASES.values():
        for path in (roots.build(release) / "etc/asterisk").glob("*.conf"):
            data = path.read_bytes()
            assert remove_line(add_line(data, path.name), path.name) == data


@SHARES
@pytest.mark.slow
def test_deploy_and_undeploy_over_the_corpus(tmp_path: Path, share: int) -> None:
    """Through the real thing, files only: what is accepted takes effect and goes without trace."""
    accepted = 0
    for number, http in islice(enumerate(corpus("http.conf")), 0, None, share):
        root = tree(tmp_path / str(number), http)
        before = snapshot(root)
        server = Server(root)
        try:
            server.deploy(bundle())
        except CmpBundleError as error:
            assert snapshot(root) == before, f"refused ({error}), and yet something changed"
            continue
        accepted += 1
        _has_the_line(root, "http.conf", http)
        assert visit(root) == "one"
        server.undeploy()
        assert snapshot(root) == before
    assert accepted > CASES // share // 10


def _has_the_line(root: Path, name: str, before: bytes) -> None:
    now = (root / "etc/asterisk" / name).read_bytes()
    assert now.startswith(before)
    assert now[len(before) :].strip() == line_for(name)


@SHARES
@pytest.mark.slow
def test_provision_and_undo_over_the_corpus(tmp_path: Path, share: int) -> None:
    accepted = 0
    pairs = zip(corpus("pjsip.conf"), corpus("extensions.conf"), strict=True)
    for number, (pjsip, extensions) in islice(enumerate(pairs), 0, None, share):
        root = tmp_path / str(number)
        server = packaged(root, pjsip_conf=pjsip, extensions_conf=extensions)
        before = snapshot(root)
        try:
            server.provision()
        except CmpBundleError as error:
            assert snapshot(root) == before, f"refused ({error}), and yet something changed"
            continue
        accepted += 1
        _has_the_line(root, "pjsip.conf", pjsip)
        _has_the_line(root, "extensions.conf", extensions)
        assert set(from_pjsip.found(server.read("pjsip.conf")).endpoints) >= {"alice", "bob"}
        assert not server.provision()
        server.undo()
        assert snapshot(root) == before
    assert accepted > CASES // share // 10


@SHARES
@pytest.mark.asterisk
@pytest.mark.usefixtures("own_network")
def test_what_is_accepted_works_on_a_real_asterisk(pbx: Asterisk, share: int) -> None:
    """Generated servers, deployed to with everything: reload, look, and everything back.

    Some of them name no ports, and so have the default ones.
    """
    ground = Ground(
        "127.0.0.1",
        (pbx.ports.http,),
        (pbx.ports.https,),
        f"{pbx.inside}/etc/keys/asterisk.pem",
    )
    rng = random.Random(SEED)
    accepted = 0
    for number in range(200 // share):
        files = Maker(f"{SEED}-deploy-{number}", ground).files()
        for name, data in files.items():
            path = pbx.etc / name
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(data.replace(b"\n", b"\r\n") if rng.random() < 0.2 else data)
            path.chmod(0o644)
        pbx.rx("module reload http")
        server = Server(pbx.root, command=tuple(pbx.command))
        before = {name: (pbx.etc / name).read_bytes() for name in files}
        listening = http_server(reader.read("http.conf", server.installation.files)).tls_address
        with server.engine.alone():
            try:
                plan = server.to_deploy(bundle(), keep=1)
            except CmpBundleError:
                continue
            assert listening is not None
            server.carry_out(plan)  # looks at the live server, and raises where it disagrees
            shown = pbx.rx("http show status")
            assert f"  /cmp2k => {plan.expected.page}" in shown
            accepted += 1
            server.carry_out(to_undeploy(server.found()))
        assert {name: (pbx.etc / name).read_bytes() for name in files} == before
        assert not (pbx.etc / "cmp-bundle").exists()
    assert accepted > 20 // share, accepted
