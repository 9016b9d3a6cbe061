"""Phones that say anything at any time: nothing is raised, nothing hangs, nothing is left over."""

from __future__ import annotations

import asyncio

from hypothesis import given
from hypothesis import strategies as st

from cmp_bundle.practice.media.negotiation import Negotiation
from cmp_bundle.practice.media.sdp import SdpError, parse

from .exchange import Exchange
from .scripted import ANSWERS, OFFERS, ScriptedPhone
from .steady import FEWER
from .test_negotiation import LOCAL

#: What is put in the place of something, or between two things.
SCRAPS = st.sampled_from(
    ["", " ", ",", ";", "=", '"', "<", ">", "@", ":", "\r\n", "\r\n\r\n", "\\", "0", "-1", "a", "*",
     "99999999999", "é", "\x00", "\udc80", "sip:", ";tag=x", "SIP/2.0", "\r\nCSeq: 1 ACK"]
)  # fmt: skip
CUTS = st.lists(st.tuples(st.floats(0, 1), st.integers(0, 40), SCRAPS), max_size=3)

#: Steps of two phones: who, what, and how the message is damaged.
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["alice", "bob"]),
        st.sampled_from(
            ["250", "bob", "alice", "CANCEL", "ACK", "BYE", "UPDATE", "INVITE", "INFO", "180",
             "200", "486", "491", "302", "again", "REGISTER", "turn", "gone"]
        ),
        CUTS,
    ),
    max_size=25,
)  # fmt: skip


def damaged(text: str, cuts: list[tuple[float, int, str]]) -> str:
    for where, length, instead in cuts:
        at = round(where * len(text))
        text = text[:at] + instead + text[at + length :]
    return text


class _Careless(ScriptedPhone):
    """Says what comes to mind, damaged, and remembers what it heard and said."""

    cuts: list[tuple[float, int, str]] = []  # noqa: RUF012 set before each step
    last = ""

    def say(self, text: str | bytes) -> None:
        assert isinstance(text, str)
        self.last = damaged(text, self.cuts)
        super().say(self.last)

    def step(self, what: str, exchange: Exchange) -> None:
        requests = [m for m in self.heard if m.status == 0]
        answers = [m for m in self.heard if m.status not in (0, 400) and m.tag("To")]
        if what in ("250", "bob", "alice"):
            target = f"sip:{what}@localhost"
            self.send("INVITE", target, body="v=0")
            challenge = self.heard[-1] if self.heard else None
            if challenge is not None and challenge.has("WWW-Authenticate"):
                proof = self.credentials(challenge, "INVITE", target)
                self.send("INVITE", target, proof, number=2, body="v=0")
        elif what == "REGISTER":
            self.send("REGISTER", "sip:localhost", to=f"<sip:{self.name}@localhost>")
        elif what.isdigit() and requests:
            self.answer(requests[-1], int(what), "Session-Expires: 200", body="v=0")
        elif what == "again":
            ScriptedPhone.say(self, self.last)
        elif what == "turn":
            exchange.clock.turn(40)
        elif what == "gone":
            self.connection.closed()
        elif answers and what.isupper():
            known = answers[-1]
            self.send(
                what,
                "sip:x@practice.invalid",
                to=known["To"],
                sender=known["From"],
                call_id=known["Call-ID"],
                number=int(known["CSeq"].split()[0]) + (what not in ("ACK", "CANCEL")),
                branch=known.branch if what == "CANCEL" else None,
                body="v=0",
            )


@FEWER
@given(STEPS)
def test_two_phones_that_say_anything(
    steps: list[tuple[str, str, list[tuple[float, int, str]]]],
) -> None:
    exchange = Exchange()
    phones = {name: _Careless(exchange.pbx, name) for name in ("alice", "bob")}
    for phone in phones.values():
        assert phone.register().status == 200
    for name, what, cuts in steps:
        phones[name].cuts = cuts
        phones[name].step(what, exchange)
    for phone in phones.values():
        for message in phone.heard:
            assert message.start.startswith("SIP/2.0 ") or message.start.endswith(" SIP/2.0")
            assert message.status == 400 or message.branch
    for phone in phones.values():
        phone.connection.closed()
    assert exchange.clock.waiting == 0
    assert not exchange.pbx._connections
    asyncio.run(exchange.pbx.aclose())


TEXTS = st.sampled_from([*OFFERS.values(), *ANSWERS.values()])
LINES = st.lists(st.tuples(st.floats(0, 1), st.sampled_from("dmwx"), CUTS), max_size=6)


def rearranged(text: str, changes: list[tuple[float, str, list[tuple[float, int, str]]]]) -> str:
    """Lines dropped, doubled, moved or damaged."""
    lines = text.splitlines()
    for where, how, cuts in changes:
        at = min(round(where * len(lines)), len(lines) - 1)
        line = lines.pop(at) if how in "dw" else lines[at]
        if how in "mw":
            lines.insert(len(lines) // 2, line)
        elif how == "x":
            lines[at] = damaged(line, cuts)
    return "\r\n".join(lines) + "\r\n"


@FEWER
@given(
    st.lists(st.tuples(st.sampled_from(["answer", "offer", "accept"]), TEXTS, LINES), max_size=6)
)
def test_a_negotiation_raises_one_thing_only(
    steps: list[tuple[str, str, list[tuple[float, str, list[tuple[float, int, str]]]]]],
) -> None:
    negotiation = Negotiation(LOCAL)
    sections = 0
    for what, text, changes in steps:
        damaged_text = rearranged(text, changes)
        before = negotiation.plan
        try:
            if what == "offer":
                description = negotiation.offer(4)
            elif what == "answer":
                description = negotiation.answer(damaged_text)
            else:
                negotiation.accept(damaged_text)
                continue
        except SdpError:
            assert negotiation.plan == before
            continue
        written = parse(description)
        # Sections are added, never taken away (RFC 3264 section 8).
        assert len(written.sections) >= sections or what == "offer"
        if what == "answer":
            sections = len(written.sections)
        ssrcs = [*negotiation.plan.audio.ssrcs, *negotiation.plan.video.ssrcs]
        assert len(set(ssrcs)) == len(ssrcs)


@FEWER
@given(st.text() | LINES.map(lambda changes: rearranged(OFFERS["firefox"], changes)))
def test_a_description_is_read_or_refused(text: str) -> None:
    try:
        parse(text)
    except SdpError:
        return
