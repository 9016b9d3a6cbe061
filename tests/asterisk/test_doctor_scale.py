"""The doctor on a server with ten thousand phones, in files."""

from __future__ import annotations

import pytest

from cmp_bundle.findings import Level
from tests.asterisk.faults import versions
from tests.asterisk.faults.fault import codes, told
from tests.asterisk.faults.provisioned import provisioned
from tests.conftest import _unreal
from tests.serving import until
from tests.testbed import config, roots

pytestmark = [pytest.mark.asterisk, pytest.mark.soak]

MANY = 10_000


@pytest.mark.parametrize("version", ["22", "16"])
def test_ten_thousand_phones(
    version: str,
    own_network: None,  # noqa: ARG001
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """Nothing is wrong with any of them; what so many need of the server as a whole is told, once."""
    if reason := roots.why_not():
        _unreal(reason)
    roots.build(roots.RELEASES[version])
    server = provisioned(version, tmp_path_factory)
    try:
        server.append("pjsip.conf", config.alike(MANY))
        until(lambda: f"Objects found: {MANY + 2}" in server.pbx.rx("pjsip show endpoints"))
        found = server.examine()
        about_phones = {one.subject for one in found.findings if one.level is not Level.NOTE}
        assert about_phones == {None}, told(found)
        assert {"H106", "O104"} <= set(codes(found, Level.WARNING)), told(found)
        assert set(codes(found)) == versions.ERRORS[version], told(found)
    finally:
        server.pbx.remove()
