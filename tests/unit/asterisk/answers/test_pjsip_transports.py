"""``pjsip show transports``, as 22.10.1 and 16.28.0 answer it."""

from __future__ import annotations

from cmp_bundle.asterisk.answers.pjsip import transports

RECORDED = """\

Transport:  <TransportId........>  <Type>  <cos>  <tos>  <BindAddress....................>
==========================================================================================

Transport:  tls1                      tcp      0      0  0.0.0.0:5061
Transport:  transport-udp-internal-with-a-long-name-of-forty     udp      0      0  0.0.0.0:5060

Objects found: 2

"""


def test_names() -> None:
    assert transports(RECORDED) == ("tls1", "transport-udp-internal-with-a-long-name-of-forty")


def test_none() -> None:
    assert transports("No objects found.\n") == ()
