"""Transactions, where scripted phones do not reach (RFC 3261 section 17)."""

from __future__ import annotations

import pytest

from cmp_bundle.practice.message import Headers, SipRequest, SipResponse, answer
from cmp_bundle.practice.transaction import ClientTransaction, ServerTransaction, State, cancel_of

from .ticking import Ticking


def request(method: str = "INVITE") -> SipRequest:
    return SipRequest(
        Headers(
            (
                ("Via", "SIP/2.0/WSS a.invalid;branch=z9hG4bKa"),
                ("Route", "<sip:proxy.invalid;lr>"),
                ("From", "<sip:a@b>;tag=1"),
                ("To", "<sip:c@d>"),
                ("Call-ID", "x"),
                ("CSeq", f"7 {method}"),
                ("Max-Forwards", "70"),
                ("Contact", "<sip:a@a.invalid>"),
            )
        ),
        method,
        "sip:c@d",
    )


class End:
    def __init__(self, method: str) -> None:
        self.clock = Ticking()
        self.ends = 0
        self.request = request(method)

    def ended(self) -> None:
        self.ends += 1


class Client(End):
    def __init__(self, method: str = "INVITE") -> None:
        super().__init__(method)
        self.sent: list[str] = []
        self.heard: list[int] = []
        self.transaction = ClientTransaction(
            self.request,
            lambda r: self.sent.append(r.method),
            self.clock,
            self.ended,
            lambda r: self.heard.append(r.status),
        )
        self.transaction.start()

    def answered(self, status: int) -> None:
        self.transaction.received(answer(self.request, status, tag="t"))


class Server(End):
    def __init__(self, method: str = "INVITE") -> None:
        super().__init__(method)
        self.sent: list[int] = []
        self.transaction = ServerTransaction(
            self.request, lambda r: self.sent.append(r.status), self.clock, self.ended
        )

    def respond(self, status: int) -> SipResponse:
        response = answer(self.request, status, tag="t")
        self.transaction.respond(response)
        return response


def test_an_invite_that_rings_waits_for_ever() -> None:
    client = Client()
    client.clock.turn(31)
    client.answered(180)
    client.clock.turn(100_000)
    client.answered(486)
    assert (client.sent, client.heard, client.ends) == (["INVITE", "ACK"], [180, 486], 1)
    client.answered(486)
    assert client.heard == [180, 486]
    assert client.clock.waiting == 0


def test_an_invite_that_nobody_answers_is_given_up() -> None:
    client = Client()
    client.clock.turn(31.9)
    assert client.heard == []
    client.clock.turn(0.2)
    assert (client.sent, client.heard, client.ends) == (["INVITE"], [408], 1)


def test_another_request_is_given_up_even_after_a_provisional_answer() -> None:
    client = Client("BYE")
    client.answered(100)
    client.clock.turn(32.1)
    assert (client.heard, client.ends) == ([100, 408], 1)


def test_successes_are_heard_as_often_as_they_come() -> None:
    client = Client()
    for status in (200, 200, 486, 180):
        client.answered(status)
    assert (client.sent, client.heard, client.ends) == (["INVITE"], [200, 200], 0)
    client.clock.turn(33)
    assert client.ends == 1
    client.answered(200)
    assert client.heard == [200, 200]


def test_a_cancel_waits_for_a_sign_of_life_and_then_not_for_ever() -> None:
    client = Client()
    cancels: list[int] = []
    for _ in range(2):
        client.transaction.cancel(lambda: cancels.append(1))
    assert cancels == []
    client.answered(100)
    client.answered(180)
    assert cancels == [1]
    client.clock.turn(33)
    assert (client.heard, client.ends) == ([100, 180, 408], 1)
    client.transaction.cancel(lambda: cancels.append(2))
    assert cancels == [1]


def test_a_cancel_is_the_invite_s_own() -> None:
    cancel = cancel_of(request(), ("Reason", "SIP;cause=200"))
    assert (cancel.method, cancel.uri) == ("CANCEL", "sip:c@d")
    assert dict(cancel.headers) == {
        "Via": "SIP/2.0/WSS a.invalid;branch=z9hG4bKa",
        "Route": "<sip:proxy.invalid;lr>",
        "From": "<sip:a@b>;tag=1",
        "To": "<sip:c@d>",
        "Call-ID": "x",
        "Max-Forwards": "70",
        "CSeq": "7 CANCEL",
        "Reason": "SIP;cause=200",
    }


@pytest.mark.parametrize("acknowledged", [True, False])
def test_a_refusal_waits_for_its_ack_or_gives_up(acknowledged: bool) -> None:
    server = Server()
    server.respond(180)
    server.transaction.retransmitted()
    server.respond(486)
    server.respond(200)
    server.transaction.retransmitted()
    assert server.sent == [180, 180, 486, 486]
    assert not server.transaction.unanswered
    if acknowledged:
        server.transaction.acknowledged()
    else:
        server.clock.turn(32.1)
    assert (server.ends, server.transaction.state) == (1, State.TERMINATED)
    assert server.clock.waiting == 0


def test_a_success_is_only_repeated_by_whoever_gave_it() -> None:
    server = Server()
    server.transaction.retransmitted()
    server.respond(200)
    server.transaction.retransmitted()
    server.transaction.acknowledged()
    assert server.sent == [200]
    server.respond(200)
    server.respond(500)
    assert server.sent == [200, 200]
    server.clock.turn(33)
    server.respond(200)
    assert (server.sent, server.ends) == ([200, 200], 1)


def test_another_request_is_over_with_its_answer() -> None:
    server = Server("OPTIONS")
    server.respond(200)
    assert (server.sent, server.ends, server.clock.waiting) == ([200], 1, 0)


def test_a_stopped_transaction_says_nothing_more() -> None:
    client, server = Client(), Server()
    client.transaction.stop()
    server.transaction.stop()
    client.answered(486)
    server.respond(200)
    client.clock.turn(100)
    assert (client.heard, client.ends, server.sent, server.ends) == ([], 0, [], 0)
