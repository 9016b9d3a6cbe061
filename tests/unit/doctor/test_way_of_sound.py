"""Whether sound gets through between a machine elsewhere and the server, from values."""

from __future__ import annotations

import pytest

from cmp_bundle.checks.call import Proof
from cmp_bundle.checks.offer import Candidate
from cmp_bundle.doctor import candidates, media
from cmp_bundle.doctor.evidence import Calls, Missing
from cmp_bundle.doctor.reach import Reached
from cmp_bundle.doctor.way import Part
from cmp_bundle.findings import Finding

from .living import live
from .outcomes import found, outcomes, unknown

CHECKS = [c for c in (*media.CHECKS, *candidates.CHECKS) if {"M101", "M102"} & {*c.codes}]


def away(address: str = "9.9.9.9", host: str = "pbx.example") -> Reached:
    return Reached(f"https://{host}:8089", "/ws", "/", addresses=(address,), connected=address)


def called(*reached: bool | None, named: tuple[str, ...] = ("9.9.9.9",)) -> Calls:
    sound = tuple(Candidate(address, 10000, "host") for address in named)
    proofs = tuple(
        Proof(f"a{place}", registered=True, answered=True, candidates=sound, media_reached=one)
        for place, one in enumerate(reached)
    )
    return Calls("https://pbx.example:8089", proofs, {})


@pytest.mark.parametrize("reached", [(True,), (False, True), (True, None), (None, True, False)])
def test_it_gets_through(reached: tuple[bool | None, ...]) -> None:
    """Once is enough: a packet may be lost."""
    assert outcomes(CHECKS, outside=away(), calls=called(*reached)) == []


def test_nothing_gets_through() -> None:
    said = found(CHECKS, outside=away(), calls=called(False, False, None))
    assert [*said] == ["M101"]
    assert "9.9.9.9:10000" in said["M101"]


def test_nor_within_a_house() -> None:
    """Both have private addresses, and Asterisk names its own."""
    calls = called(False, named=("192.168.1.5",))
    assert [*found(CHECKS, outside=away("192.168.1.5"), calls=calls)] == ["M101"]


@pytest.mark.parametrize(
    ("reached", "level"), [(False, "error"), (True, "warning"), (None, "warning")]
)
def test_private_addresses_of_a_public_name(reached: bool | None, level: str) -> None:
    calls = called(reached, named=("10.0.0.5",))
    (said,) = (f for f in outcomes(CHECKS, outside=away(), calls=calls) if isinstance(f, Finding))
    assert (said.code, said.level) == ("M102", level)
    assert "10.0.0.5 => 9.9.9.9,include_local_address" in (said.hint or "")
    assert "pbx.example is 9.9.9.9" in said.message


def test_several_private_addresses() -> None:
    calls = called(False, named=("10.0.0.5", "192.168.7.1"))
    (said,) = (f for f in outcomes(CHECKS, outside=away(), calls=calls) if isinstance(f, Finding))
    assert "LOCAL => 9.9.9.9,include_local_address" in (said.hint or "")


def test_what_is_not_known() -> None:
    for calls in (called(), called(None), called(None, named=())):
        assert [*unknown(CHECKS, outside=away(), calls=calls)] == ["M101"]
    nobody = Missing("nobody was called", Part.WEBSOCKET)
    told = outcomes(CHECKS, outside=away(), calls=nobody)
    assert {(one.code, getattr(one, "broken", "")) for one in told} == {
        ("M101", Part.WEBSOCKET),
        ("M102", Part.WEBSOCKET),
    }


def test_on_the_server_itself() -> None:
    """From here to here, everything gets through."""
    said = unknown(CHECKS, live=live(), outside=away(), calls=called(None))
    assert "only be seen from there" in said["M101"]
