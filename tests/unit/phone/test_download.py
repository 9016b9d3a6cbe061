from __future__ import annotations

import itertools
import os
import socket
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from cmp_bundle.errors import CmpBundleError
from cmp_bundle.phone.download import Network, download
from cmp_bundle.phone.unreachable import UnreachableError
from cmp_bundle.report import Silent

from .servers import DROP, HANG, Answer, ConnectProxy, HttpsServer, Trust

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROOT = Path(__file__).parents[3]
BODY = b"a phone, packed " * 20_000
GOOD = Answer(BODY)


class Recorder(Silent):
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.details: list[str] = []
        self.bars: list[tuple[str, int | None, int]] = []

    def detail(self, text: str) -> None:
        self.details.append(text)

    @contextmanager
    def progress(self, what: str, total: int | None) -> Iterator[Callable[[int], None]]:
        steps: list[int] = []
        yield steps.append
        self.bars.append((what, total, sum(steps)))


class Waits(list[float]):
    """How long was waited, without waiting."""

    def network(self, trust: Trust, **more: float) -> Network:
        return Network(
            context=trust.client,
            sleep=self.append,
            jitter=lambda: 0.5,
            timeout=more.get("timeout", 10.0),
            deadline=more.get("deadline", 600.0),
        )


@pytest.fixture
def waits() -> Waits:
    return Waits()


def get(url: str, network: Network, reporter: Silent | None = None) -> bytes:
    return download(url, "the phone", reporter or Silent(), limit=1_000_000, network=network)


def fails(url: str, network: Network, why: str) -> UnreachableError:
    with pytest.raises(UnreachableError, match=why) as raised:
        get(url, network)
    assert raised.value.file is not None
    return raised.value


@pytest.mark.parametrize(
    ("answer", "total"),
    [
        (GOOD, len(BODY)),
        (Answer(BODY, chunked=True), None),
        (Answer(BODY, length=False), None),
    ],
    ids=["length", "chunked", "until the end"],
)
def test_a_file_and_its_progress(
    server: HttpsServer, trust: Trust, waits: Waits, answer: Answer, total: int | None
) -> None:
    recorder = Recorder()
    assert get(server.give("/p.tgz", answer), waits.network(trust), recorder) == BODY
    assert recorder.bars == [("fetching the phone", total, len(BODY))]
    assert server.asked == ["/p.tgz"]
    assert waits == []


def test_an_empty_file(server: HttpsServer, trust: Trust, waits: Waits) -> None:
    assert get(server.give("/p.tgz", Answer()), waits.network(trust)) == b""


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (Answer(b"busy", 503), "the server answered 503"),
        (Answer(b"broken", 500), "the server answered 500"),
        (Answer(b"slow down", 429), "the server answered 429"),
        (DROP, "without response"),
        (Answer(BODY, cut=70_000), "connection ended after 70000 of 320000 bytes"),
        (Answer(BODY, cut=0), "connection ended after 0 of 320000 bytes"),
        (Answer(BODY, chunked=True, cut=70_000), "connection ended too early"),
    ],
)
def test_what_may_be_over_in_a_moment_is_tried_again(
    server: HttpsServer, trust: Trust, waits: Waits, answer: Answer, why: str
) -> None:
    recorder = Recorder()
    url = server.give("/p.tgz", answer, answer, GOOD)
    assert get(url, waits.network(trust), recorder) == BODY
    assert waits == [1.0, 2.0]
    assert len(recorder.details) == 2
    assert why in recorder.details[0]
    assert recorder.details[0].endswith("trying again in 1.0 s")


def test_not_for_ever(server: HttpsServer, trust: Trust, waits: Waits) -> None:
    error = fails(
        server.give("/p.tgz", Answer(status=503)), waits.network(trust), "the server answered 503"
    )
    assert "proxy" in str(error.hint)
    assert waits == [1.0, 2.0, 4.0]
    assert len(server.asked) == 4


def test_waits_are_never_in_step(server: HttpsServer, trust: Trust, waits: Waits) -> None:
    dice = iter([0.0, 0.999, 0.25, 0.5])
    network = Network(context=trust.client, sleep=waits.append, jitter=lambda: next(dice))
    fails(server.give("/p.tgz", Answer(status=500)), network, "500")
    assert waits == [0.5, pytest.approx(2.998), 3.0]


@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        ({"Retry-After": "7"}, 7.0),
        ({"Retry-After": "0"}, 0.0),
        ({"Retry-After": "soon"}, 1.0),
        ({"Retry-After": "-5"}, 1.0),
        (
            {
                "Retry-After": "Tue, 24 Nov 2026 10:00:09 GMT",
                "Date": "Tue, 24 Nov 2026 10:00:00 GMT",
            },
            9.0,
        ),
        (
            {
                "Retry-After": "Mon, 23 Nov 2026 10:00:00 GMT",
                "Date": "Tue, 24 Nov 2026 10:00:00 GMT",
            },
            0.0,
        ),
        ({"Retry-After": "Tue, 24 Nov 2026 10:00:09 GMT"}, 1.0),
    ],
)
def test_a_server_may_say_how_long(
    server: HttpsServer, trust: Trust, waits: Waits, headers: dict[str, str], wait: float
) -> None:
    url = server.give("/p.tgz", Answer(status=429, headers=headers), GOOD)
    assert get(url, waits.network(trust)) == BODY
    assert waits == [wait]


def test_a_server_that_wants_too_long_a_wait(
    server: HttpsServer, trust: Trust, waits: Waits
) -> None:
    later = Answer(status=503, headers={"Retry-After": "3600"})
    fails(server.give("/p.tgz", later, GOOD), waits.network(trust), "503")
    assert waits == []


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 204, 206, 304])
def test_what_will_not_change_is_not_tried_again(
    server: HttpsServer, trust: Trust, waits: Waits, status: int
) -> None:
    fails(server.give("/p.tgz", Answer(status=status)), waits.network(trust), f"answered {status}")
    assert (len(server.asked), waits) == (1, [])


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirects(server: HttpsServer, trust: Trust, waits: Waits, status: int) -> None:
    server.give("/2.tgz", GOOD)
    url = server.give("/1.tgz", Answer(status=status, headers={"Location": "/2.tgz"}))
    assert get(url, waits.network(trust)) == BODY
    assert server.asked == ["/1.tgz", "/2.tgz"]


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize(
    ("target", "why"),
    [
        ("http://127.0.0.1:1/p.tgz?token=secret", "redirected to an address without https"),
        ("ftp://127.0.0.1/p.tgz", "without https"),
        ("file:///etc/passwd", "the server answered 30"),
        ("https://[::1/p.tgz", "an invalid address"),
        ("/1.tgz", "the server answered 30"),
    ],
)
def test_redirects_that_are_not_followed(
    server: HttpsServer, trust: Trust, target: str, why: str, status: int
) -> None:
    url = server.give("/1.tgz", Answer(status=status, headers={"Location": target}))
    waits = Waits()
    error = fails(url + "?token=secret", waits.network(trust), why)
    assert "secret" not in f"{error} {error.hint}"
    assert "\n" not in str(error), "urllib has three lines for a circle"
    assert waits == []


def test_no_more_than_asked_for(server: HttpsServer, trust: Trust, waits: Waits) -> None:
    for answer in (
        Answer(b"x" * 1_000_001),
        Answer(b"x" * 1_000_001, chunked=True),
        Answer(b"x", headers={"Content-Length": "99999999999"}),
    ):
        fails(server.give("/p.tgz", answer), waits.network(trust), "too large for a phone")
    assert waits == []


@pytest.mark.slow
def test_a_server_that_never_answers(server: HttpsServer, trust: Trust, waits: Waits) -> None:
    url = server.give("/p.tgz", HANG, GOOD)
    assert get(url, waits.network(trust, timeout=3.0)) == BODY
    assert waits == [1.0]


def test_a_server_that_sends_for_ever(server: HttpsServer, trust: Trust, waits: Waits) -> None:
    ticks = itertools.count(0, 100)
    network = Network(
        context=trust.client,
        attempts=2,
        deadline=150,
        sleep=waits.append,
        clock=lambda: float(next(ticks)),
    )
    fails(server.give("/p.tgz", GOOD), network, "not complete after 150 s")


def test_nobody_there(trust: Trust, waits: Waits) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # and does not listen
        url = f"https://127.0.0.1:{taken.getsockname()[1]}/p.tgz"
        fails(url, waits.network(trust), "cannot be fetched: connection refused")
    assert waits == [1.0, 2.0, 4.0]


def test_a_certificate_that_nobody_trusts(server: HttpsServer, waits: Waits) -> None:
    network = Network(sleep=waits.append)
    error = fails(server.give("/p.tgz", GOOD), network, r"certificate of 127\.0\.0\.1 is not")
    assert "SSL_CERT_FILE" in str(error.hint)
    assert (waits, server.asked) == ([], [])


def test_a_certificate_of_another_name(server: HttpsServer, trust: Trust, waits: Waits) -> None:
    url = server.give("/p.tgz", GOOD).replace("127.0.0.1", "localhost")
    fails(url, waits.network(trust), "not trusted here: Hostname mismatch")
    assert (waits, server.asked) == ([], [])


def test_the_authority_may_be_named_in_the_environment(server: HttpsServer, trust: Trust) -> None:
    url = server.give("/p.tgz", Answer(b"a phone"))
    code = (
        "import sys; from cmp_bundle.phone.download import download;"
        "from cmp_bundle.report import Silent;"
        "print(download(sys.argv[1], 'x', Silent(), limit=99).decode())"
    )
    environment = {**os.environ, "SSL_CERT_FILE": str(trust.authority), "PYTHONPATH": str(ROOT)}
    ran = subprocess.run(
        [sys.executable, "-c", code, url],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert ran.stdout == "a phone\n"


def test_through_a_proxy(
    server: HttpsServer, trust: Trust, waits: Waits, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = server.give("/p.tgz", GOOD)
    with ConnectProxy() as proxy:
        monkeypatch.setenv("https_proxy", proxy.url)
        assert get(url, waits.network(trust)) == BODY
        assert proxy.asked == [f"127.0.0.1:{server.port}"]
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        assert get(url, waits.network(trust)) == BODY
        assert len(proxy.asked) == 1


def test_an_interrupt_is_not_an_answer(server: HttpsServer, trust: Trust) -> None:
    class Interrupting(Silent):
        @contextmanager
        def progress(self, what: str, total: int | None) -> Iterator[Callable[[int], None]]:
            del what, total
            raise KeyboardInterrupt
            yield print

    with pytest.raises(KeyboardInterrupt):
        get(server.give("/p.tgz", GOOD), Network(context=trust.client), Interrupting())
    assert not issubclass(KeyboardInterrupt, CmpBundleError)
