"""What Asterisk tells of calls, media, codecs and the dialplan: recorded on 22.10.1 and 16.28."""

from __future__ import annotations

import pytest

from cmp_bundle.asterisk.answers.calls import Channel, channels
from cmp_bundle.asterisk.answers.codecs import translations
from cmp_bundle.asterisk.answers.conference import Bridge, bridge
from cmp_bundle.asterisk.answers.dialplan import dialplan
from cmp_bundle.asterisk.answers.media import Rtp, rtp

SETTINGS = """

General Settings:
----------------
  Port start:      5000
  Port end:        31000
  Checksums:       Yes
  DTMF Timeout:    1200
  Strict RTP:      Yes
  Probation:       4 frames
  Replay Protect:  Yes
  ICE support:     {ice}
{stun}
"""


@pytest.mark.parametrize(
    ("stun", "address"),
    [
        ("  STUN:            disabled\n   Address:        0.0.0.0:0", ""),
        ("  STUN:            enbabled\n   Address:        192.0.2.77:3478", "192.0.2.77:3478"),
        ("  STUN address:    0.0.0.0:0", ""),
        ("  STUN address:    192.0.2.77:3478", "192.0.2.77:3478"),
    ],
    ids=["22 without", "22", "16 without", "16"],
)
def test_ports_and_stun(stun: str, address: str) -> None:
    found = rtp(SETTINGS.format(ice="Yes", stun=stun))
    assert found == Rtp(5000, 31000, ice=True, stun=address)
    found = rtp(SETTINGS.format(ice="No", stun=stun))
    assert found is not None
    assert not found.ice


@pytest.mark.parametrize(
    ("address", "stun", "lost"),
    [
        ("0.0.0.0:3478 (lookup failed)", "", "stun.example:3478"),
        ("192.0.2.77:3478 (possibly stale)", "192.0.2.77:3478", ""),
        ("192.0.2.77:3478", "192.0.2.77:3478", ""),
    ],
)
def test_stun_by_name(address: str, stun: str, lost: str) -> None:
    """Recorded on 22.10.1; the last two follow its source."""
    text = f"""\
  STUN:            {"enbabled" if stun else "disabled"}
   Hostname:       stun.example:3478
   Resolved Addr:  {address}
   Last TTL:       0  (periodic resolution disabled)
   Reresove TTL 0: No"""
    found = rtp(SETTINGS.format(ice="Yes", stun=text))
    assert found == Rtp(5000, 31000, ice=True, stun=stun, unresolved=lost)


def test_no_rtp() -> None:
    assert rtp("No such command 'rtp show settings' (type 'core show help rtp show')") is None


def test_calls() -> None:
    line = "PJSIP/w-ulaw-00000008!cmp-phones!246!3!Up!Wait!0.1!w-ulaw!!!3!17!!1795862684.8"
    assert channels(f"{line}\n") == (Channel("PJSIP/w-ulaw-00000008", "w-ulaw", 17),)
    assert channels("") == ()
    said = "Local/1@x-00000001;1!x!1!1!Up!Playback!hello!there!a!!!3!5!!1795862684.9"
    assert channels(said) == (Channel("Local/1@x-00000001;1", "", 5),)


def test_profiles_of_conferences() -> None:
    text = (
        "--------------------------------------------\nName:                 cmp-video\n"
        "Record Options:       \nVideo Mode:           sfu\nVideo Update Discard: 2000\n"
    )
    assert bridge(text, "cmp-video") == Bridge("cmp-video", "sfu", 2000)
    silent = bridge(text.replace("sfu", "no video"), "cmp-video")
    assert silent is not None
    assert not silent.has_pictures
    assert bridge("No conference bridge profile named 'nope' found!\n", "nope") is None


def test_what_a_codec_can_be_turned_into() -> None:
    text = """--- Translation paths SRC Codec "opus" sample rate 48000 ---
\topus:48000       To g723:8000       : No Translation Path                                         
\topus:48000       To ulaw:8000       : (opus@48000)->(slin@8000)->(ulaw@8000)                      
\topus:48000       To slin:8000       : (opus@48000)->(slin@8000)                                   
"""  # noqa: W291 - as it comes
    assert translations(text) == frozenset(("ulaw", "slin"))
    none = text.replace("(opus@48000)->(slin@8000)->(ulaw@8000)", "No Translation Path")
    assert translations(none) == frozenset(("slin",))
    assert translations("No such command") is None


def test_a_dialplan() -> None:
    text = """[ Context 'turned' created by 'pbx_config' ]
  '246' =>          1. Answer()                                   [extensions.conf:9]
     [again]        2. Wait(0.1)                                  [extensions.conf:11]
                    3. GotoIf($[${turns} < 50]?again)             [extensions.conf:13]
  '5' =>            hint: PJSIP/alice                             [extensions.conf:889]
                    1. ConfBridge(${EXTEN},default_bridge)        [extensions.conf:891]
  '_9X.' =>         1. Dial(PJSIP/alice&PJSIP/bob,20)             [extensions.conf:884]
  Include =>        'other'                                       [pbx_config]
  Include =>        'day|9:00-17:00|*|*|*'                        [pbx_config]
  Alt. Switch =>    'Lua/x'                                       [pbx_config]

-= 3 extensions (6 priorities) in 1 context. =-
[ Context 'other' created by 'pbx_config' ]
  '7' =>            1. Answer()                                   [extensions.conf:99]
"""
    found = dialplan(text, "turned")
    assert found is not None
    assert found.applications == {
        "246": ("Answer()", "Wait(0.1)", "GotoIf($[${turns} < 50]?again)"),
        "5": ("ConfBridge(${EXTEN},default_bridge)",),
        "_9X.": ("Dial(PJSIP/alice&PJSIP/bob,20)",),
    }
    assert found.lines["246"] == ("extensions.conf:9", "extensions.conf:11", "extensions.conf:13")
    assert found.lines["5"] == ("extensions.conf:891",)
    assert found.includes == ("other", "day")
    assert found.looks_elsewhere
    assert dialplan("There is no existence of 'nosuch' context\n", "nosuch") is None
