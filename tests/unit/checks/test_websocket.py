"""The look at /ws: what each kind of server answers, in words, and never for long."""

from __future__ import annotations

import contextlib
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from cmp_bundle.asterisk.control import Control
from cmp_bundle.checks import websocket as asking
from cmp_bundle.checks.websocket import Handshake, again, ask, base_url, without_pjsip, worse

OPEN = b"HTTP/1.1 101 Switching Protocols\r\nSec-WebSocket-Protocol: sip\r\n\r\n"
CLOSE = b"\x88\x82\x00\x00\x00\x00\x03\xe8"

Serve = Callable[[ssl.SSLSocket], None]


@contextlib.contextmanager
def serving(context: ssl.SSLContext | None, serve: Serve, host: str = "127.0.0.1") -> Iterator[str]:
    """A server that does ``serve`` with each connection; without context it ends each at once."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.create_server((host, 0), family=family) as listener:

        def run() -> None:
            with contextlib.suppress(OSError):
                while True:
                    plain, _ = listener.accept()
                    with plain, contextlib.suppress(OSError):
                        if context is not None:
                            with context.wrap_socket(plain, server_side=True) as secure:
                                serve(secure)

        thread = threading.Thread(target=run)
        thread.start()
        port = listener.getsockname()[1]
        try:
            yield f"https://[{host}]:{port}" if ":" in host else f"https://{host}:{port}"
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()


def saying(answer: bytes) -> Serve:
    def serve(secure: ssl.SSLSocket) -> None:
        secure.recv(4096)
        secure.sendall(answer)

    return serve


def test_it_asks_as_a_phone_does_and_leaves(context: ssl.SSLContext) -> None:
    heard = []

    def serve(secure: ssl.SSLSocket) -> None:
        heard.append(secure.recv(4096))
        secure.sendall(OPEN)
        heard.append(secure.recv(4096))
        secure.sendall(b"\x88\x02\x03\xe8")
        secure.unwrap()
        heard.append(b"left")

    with serving(context, serve) as base:
        answer = ask(base, "/asterisk/ws")
    assert answer.open
    assert str(answer) == "lets phones in"
    assert answer.url == f"{base}/asterisk/ws"
    assert answer.certificate is not None
    lines = heard[0].decode().split("\r\n")
    assert lines[0] == "GET /asterisk/ws HTTP/1.1"
    assert "Upgrade: websocket" in lines
    assert "Sec-WebSocket-Protocol: sip" in lines
    assert heard[1:] == [CLOSE, b"left"], "both goodbyes, that of WebSocket and that of TLS"


@pytest.mark.parametrize(
    ("said", "status", "words"),
    [
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", 400, "res_pjsip_transport_websocket.so"),
        (b"HTTP/1.1 404 Not Found\r\nContent-Length: 900\r\n\r\n", 404, "res_http_websocket.so"),
        (b"HTTP/1.1 403 Forbidden\r\n\r\n", 403, "restricts"),
        (b"HTTP/1.1 426 Upgrade Required\r\n\r\n", 426, "answers 426, and lets no phone in"),
        (b"HTTP/1.0 502 Bad Gateway\r\n\r\n", 502, "answers 502"),
        (b"HTTP/1.1 101 Switching Protocols\r\n\r\n", 101, "answers 101, and lets no phone in"),
        (b"HTTP/1.1 101 Switching\r\nSec-WebSocket-Protocol: xmpp\r\n\r\n", 101, "no phone"),
        (b"HTTP/1.1 299 What\r\n\r\n", 299, "answers 299"),
        (b"SSH-2.0-OpenSSH_9.2\r\n\r\n", None, "no HTTP"),
        (b"HTTP/1.1 400", 400, "no SIP"),
        (b"", None, "without an answer"),
    ],
)
def test_other_answers(
    said: bytes, status: int | None, words: str, context: ssl.SSLContext
) -> None:
    with serving(context, saying(said)) as base:
        answer = ask(base, "/ws")
    assert not answer.open
    assert answer.status == status
    assert words in str(answer)
    assert answer.certificate is not None


def test_https_that_died() -> None:
    """As Asterisk's listener is after a reload with a certificate that it could not load."""
    with serving(None, saying(OPEN)) as base:
        answer = ask(base, "/ws")
    assert answer.status is None
    assert "HTTPS is dead" in str(answer)


def test_nobody_there() -> None:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        answer = ask(f"https://127.0.0.1:{bound.getsockname()[1]}", "/ws")
    assert answer.status is None
    assert str(answer) == "nobody listens there"


def test_plain_http() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def run() -> None:
            with listener.accept()[0] as plain:
                plain.recv(4096)
                plain.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

        thread = threading.Thread(target=run)
        thread.start()
        answer = ask(f"https://127.0.0.1:{listener.getsockname()[1]}", "/ws")
        thread.join()
    assert answer.status is None
    assert str(answer)


@pytest.mark.slow
@pytest.mark.parametrize("dripping", [False, True])
def test_one_that_takes_for_ever(
    dripping: bool, context: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asking, "TIMEOUT", 0.3)
    gone = threading.Event()

    def serve(secure: ssl.SSLSocket) -> None:
        secure.recv(4096)
        while not gone.wait(0.05):
            if dripping:
                secure.sendall(b"x")

    with serving(context, serve) as base:
        answer = ask(base, "/ws")
        gone.set()
    assert answer.status is None
    assert "no answer within" in str(answer)


def test_a_server_that_does_not_leave(
    context: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asking, "_GOODBYE", 0.1)
    gone = threading.Event()

    def serve(secure: ssl.SSLSocket) -> None:
        secure.recv(4096)
        secure.sendall(OPEN)
        gone.wait(60)

    with serving(context, serve) as base:
        assert ask(base, "/ws").open
        gone.set()


def test_names_that_are_none() -> None:
    for base in ("https://" + "a" * 70 + ".example", "https://:99999"):
        assert ask(base, "/ws").status is None


def test_over_ipv6(context: ssl.SSLContext) -> None:
    if not asking._has_ipv6():
        pytest.skip("no IPv6 here")
    with serving(context, saying(OPEN), "::1") as base:
        assert ask(base, "/ws").open


def test_where_a_listener_is_reached(monkeypatch: pytest.MonkeyPatch) -> None:
    assert base_url("0.0.0.0:8089") == "https://127.0.0.1:8089"
    assert base_url("192.0.2.1:8089") == "https://192.0.2.1:8089"
    assert base_url("[::1]:8089") == "https://[::1]:8089"
    monkeypatch.setattr(asking, "_has_ipv6", lambda: True)
    assert base_url("[::]:8089") == "https://[::1]:8089"
    monkeypatch.setattr(asking, "_has_ipv6", lambda: False)
    assert base_url("[::]:8089") == "https://127.0.0.1:8089"
    assert base_url("[::1]:8089") == "https://[::1]:8089", "there another server may be"


ALONE = """\
import socket, sys, threading
from pathlib import Path
from urllib.parse import urlsplit
from cmp_bundle.checks.websocket import ask, base_url

if sys.argv[1] == "off":
    Path("/proc/sys/net/ipv6/conf/all/disable_ipv6").write_text("1")
with socket.create_server(("::", 0), family=socket.AF_INET6, dualstack_ipv6=True) as listener:
    threading.Thread(target=lambda: listener.accept()[0].close()).start()
    base = base_url(f"[::]:{listener.getsockname()[1]}")
    print(base.rpartition(":")[0], ask(base, "/ws"))
"""


@pytest.mark.parametrize(("ipv6", "host"), [("on", "[::1]"), ("off", "127.0.0.1")])
def test_everywhere_without_ipv6(ipv6: str, host: str) -> None:
    """A listener on [::] hears IPv4 too; in a network of its own, where IPv6 can be switched off."""
    up = 'ip link set lo up && exec "$@"'
    alone = ["unshare", "-n", "sh", "-c", up, "sh"]
    if subprocess.run([*alone, "true"], capture_output=True, check=False).returncode:
        pytest.skip("no network of its own to be had here")
    if not asking._has_ipv6():
        pytest.skip("no IPv6 here")
    done = subprocess.run(
        [*alone, sys.executable, "-c", ALONE, ipv6], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"https://{host} takes connections and ends them"), done.stdout


def answer(status: int | None, trouble: str = "") -> Handshake:
    return Handshake("https://pbx:8089", "/ws", status, "sip", trouble=trouble)


def test_better_and_worse() -> None:
    best_first = [answer(101), answer(400), answer(404), answer(None, "nobody listens there")]
    for place, before in enumerate(best_first):
        for better in best_first[: place + 1]:
            assert worse(before, better) is None
        for after in best_first[place + 1 :]:
            said = worse(before, after)
            assert said == f"https://pbx:8089/ws {_was(before)} before, and now {after}"


def _was(before: Handshake) -> str:
    return "let phones in" if before.open else f"answered {before.status}"


@pytest.mark.slow
def test_asking_again_until_it_is_as_before(context: ssl.SSLContext) -> None:
    answers = [b"HTTP/1.1 404 Not Found\r\n\r\n", b"", b"HTTP/1.1 400 Bad\r\n\r\n", OPEN]

    def serve(secure: ssl.SSLSocket) -> None:
        secure.recv(4096)
        secure.sendall(answers.pop(0) if len(answers) > 1 else answers[0])

    with serving(context, serve) as base:
        before = Handshake(base, "/ws", 101, "sip")
        assert again(before, patience=60).open
        answers[:] = [b"HTTP/1.1 400 Bad\r\n\r\n"]
        assert again(before, patience=0.2).status == 400
        assert again(Handshake(base, "/ws", 404), patience=60).status == 400


WEBSOCKET = "res_http_websocket.so  HTTP WebSocket Support  3  Running  extended"
PJSIP = "res_pjsip_transport_websocket.so  PJSIP WebSocket Transport  0  {}  core"
CHAN_SIP = "chan_sip.so  Session Initiation Protocol (SIP)  0  {}  extended"


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([PJSIP.format("Running")], None),
        ([PJSIP.format("Running"), CHAN_SIP.format("Running")], None),
        ([PJSIP.format("Not Running"), CHAN_SIP.format("Running")], "chan_sip has the WebSocket"),
        ([CHAN_SIP.format("Running")], "chan_sip has the WebSocket"),
        ([CHAN_SIP.format("Not Running")], "is not loaded"),
        ([PJSIP.format("Not Running")], "is not loaded"),
        ([], "is not loaded"),
        (None, "res_http_websocket.so is not loaded"),
    ],
)
def test_who_has_the_sub_protocol(rows: list[str] | None, said: str | None, tmp_path: Path) -> None:
    there = [] if rows is None else [WEBSOCKET, *rows]
    (tmp_path / "modules").write_text("\n".join(there))
    stand_in = tmp_path / "asterisk"
    stand_in.write_text(f'#!/bin/sh\ngrep "^${{2##* }}" {tmp_path}/modules; exit 0\n')
    stand_in.chmod(0o755)
    error = without_pjsip(Control((str(stand_in),)))
    assert (error is None) == (said is None)
    if error is not None:
        assert said is not None
        assert said in error.message
        assert "modules.conf" in str(error.hint)


def test_the_certificate_is_what_it_shows(context: ssl.SSLContext) -> None:
    """By which it can be told whether what lies on the disk is what is served."""
    with serving(context, saying(OPEN)) as base:
        address = urlsplit(base)
        pem = ssl.get_server_certificate((address.hostname or "", address.port or 0))
        assert ask(base, "/ws").certificate == ssl.PEM_cert_to_DER_cert(pem)
