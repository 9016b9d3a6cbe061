"""Gets one file over https, patiently, and never more of it than asked for."""

from __future__ import annotations

import email.utils
import http.client
import itertools
import random
import ssl
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any
from urllib.parse import urlsplit

from cmp_bundle import __version__
from cmp_bundle.phone.source import without_query
from cmp_bundle.phone.unreachable import UnreachableError

if TYPE_CHECKING:
    from collections.abc import Callable
    from email.message import Message

    from cmp_bundle.report import Reporter

_PIECE = 64 * 1024
#: Statuses below 500 that a later try may turn into a good one (RFC 9110, RFC 8470, RFC 6585).
_FOR_NOW = frozenset([408, 425, 429])


@dataclass(frozen=True)
class Network:
    """How to behave towards a server; tests put their own clock, dice and authority in.

    ``context`` None means what Python trusts, which ``SSL_CERT_FILE`` and ``SSL_CERT_DIR`` can
    change. Times are in seconds: ``timeout`` without any answer, ``deadline`` for one whole try,
    ``longest_wait`` that a server may ask for by Retry-After.
    """

    context: ssl.SSLContext | None = None
    attempts: int = 4
    timeout: float = 30.0
    deadline: float = 600.0
    longest_wait: float = 60.0
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    jitter: Callable[[], float] = random.random


class _TryAgainError(Exception):
    """A failure that may be over in a moment; ``wait`` is what the server asked for."""

    def __init__(self, why: str, wait: float | None = None) -> None:
        super().__init__(why)
        self.wait = wait


def download(
    url: str, name: str, reporter: Reporter, *, limit: int, network: Network | None = None
) -> bytes:
    """The body of the https address ``url``, at most ``limit`` bytes of it.

    ``name`` stands for the address in messages. Proxies are those of the environment. Raises
    UnreachableError.
    """
    network = network or Network()
    for attempt in itertools.count():
        try:
            return _try(url, name, reporter, limit, network)
        except _TryAgainError as problem:
            # Doubling, and never in step with others that failed at the same moment.
            wait = 2**attempt * (0.5 + network.jitter()) if problem.wait is None else problem.wait
            if attempt + 1 >= network.attempts or wait > network.longest_wait:
                raise UnreachableError(
                    "phone-unreachable",
                    f"cannot be fetched: {problem}",
                    file=name,
                    hint="check the network and its proxy (HTTPS_PROXY), then run it again",
                ) from problem
            reporter.detail(f"{name}: {problem}; trying again in {wait:.1f} s")
            network.sleep(wait)
    raise AssertionError  # count has no end


def _try(url: str, name: str, reporter: Reporter, limit: int, network: Network) -> bytes:
    try:
        with _answer(url, name, network) as response:
            return _body(response, name, reporter, limit, network)
    except (OSError, http.client.HTTPException) as error:
        raise _TryAgainError(_reason(error)) from error


def _answer(url: str, name: str, network: Network) -> http.client.HTTPResponse:
    request = urllib.request.Request(  # noqa: S310 - the opener knows https only
        url, headers={"User-Agent": f"cmp-bundle/{__version__}"}
    )
    try:
        answer: http.client.HTTPResponse = _opener(network.context).open(
            request, timeout=network.timeout
        )
    except urllib.error.HTTPError as error:
        with error:
            raise _refused(error, name) from error
    except urllib.error.URLError as error:
        if isinstance(error.reason, ssl.SSLCertVerificationError):
            raise _distrusted(error.reason, url, name) from error
        raise _TryAgainError(_reason(error.reason)) from error
    except ValueError as error:  # urllib's word for a redirect to something that is no address
        raise UnreachableError(
            "phone-unreachable", f"is redirected to an invalid address: {error}", file=name
        ) from error
    return answer


def _opener(context: ssl.SSLContext | None) -> urllib.request.OpenerDirector:
    """Like urllib's own, but without http, ftp, file and data."""
    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler(),
        urllib.request.HTTPSHandler(context=context or ssl.create_default_context()),
        urllib.request.HTTPDefaultErrorHandler(),
        urllib.request.HTTPErrorProcessor(),
        _HttpsRedirects(),
    ):
        opener.add_handler(handler)
    return opener


class _HttpsRedirects(urllib.request.HTTPRedirectHandler):
    """Follows a redirect to https, and no other: what comes over http anybody may have written."""

    def http_error_302(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: Any
    ) -> Any:
        try:
            return super().http_error_302(req, fp, code, msg, headers)
        except (UnreachableError, ValueError):
            # urllib closes what it follows, and leaves open what it cannot.
            fp.close()
            raise

    http_error_301 = http_error_303 = http_error_307 = http_error_308 = http_error_302

    def redirect_request(  # noqa: PLR0917 - urllib's
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: Any,
        newurl: str,
    ) -> urllib.request.Request | None:
        if urlsplit(newurl).scheme != "https":
            raise UnreachableError(
                "phone-unreachable",
                "is redirected to an address without https",
                file=without_query(urlsplit(req.full_url)),
                hint=f"it is redirected to {without_query(urlsplit(newurl))}",
            )
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _body(
    response: http.client.HTTPResponse,
    name: str,
    reporter: Reporter,
    limit: int,
    network: Network,
) -> bytes:
    if response.status != http.client.OK:
        raise UnreachableError(
            "phone-unreachable",
            f"cannot be fetched: the server answered {response.status}",
            file=name,
        )
    total = response.length
    if total is not None and total > limit:
        raise _too_large(name, limit)
    until = network.clock() + network.deadline
    body = bytearray()
    with reporter.progress(f"fetching {name}", total) as advance:
        # read1 returns with what is there: read would wait for a whole piece, and a server that
        # sends a byte now and then would never reach the deadline.
        while total is None or len(body) < total:
            piece = response.read1(_PIECE)
            if not piece:
                break
            body += piece
            if len(body) > limit:
                raise _too_large(name, limit)
            advance(len(piece))
            if network.clock() > until:
                raise _TryAgainError(f"not complete after {network.deadline:.0f} s")
    if total is not None and len(body) < total:
        raise _TryAgainError(f"the connection ended after {len(body)} of {total} bytes")
    return bytes(body)


def _refused(error: urllib.error.HTTPError, name: str) -> Exception:
    # Of a redirect that leads in a circle, urllib says so in three lines.
    reason = " ".join(str(error.reason).partition("\n")[0].split())
    answer = f"the server answered {error.code} {reason}".rstrip(" .")
    if error.code >= http.client.INTERNAL_SERVER_ERROR or error.code in _FOR_NOW:
        return _TryAgainError(answer, _retry_after(error.headers))
    hints = {
        401: "the server asks for a login; fetch the archive yourself and name the file",
        403: "the server refuses access; fetch the archive yourself and name the file",
        404: "check the address",
        407: "the proxy asks for a login: HTTPS_PROXY=http://user:password@host:port",
        410: "the archive was removed from this address",
    }
    return UnreachableError(
        "phone-unreachable", f"cannot be fetched: {answer}", file=name, hint=hints.get(error.code)
    )


def _retry_after(headers: Message) -> float | None:
    """Seconds that the server wants to be left alone.

    A date is measured against the server's own Date, so that nobody's clock need be right.
    """
    asked = headers.get("Retry-After", "").strip()
    if asked.isascii() and asked.isdigit():
        return float(asked[:9])
    try:
        until = email.utils.parsedate_to_datetime(asked)
        now = email.utils.parsedate_to_datetime(headers.get("Date", ""))
        return max(0.0, (until - now).total_seconds())
    except (TypeError, ValueError):
        return None


def _distrusted(error: ssl.SSLCertVerificationError, url: str, name: str) -> UnreachableError:
    return UnreachableError(
        "phone-unreachable",
        f"cannot be fetched: the certificate of {urlsplit(url).hostname} is not trusted here: "
        f"{error.verify_message}",
        file=name,
        hint="install your system's ca-certificates; if a proxy replaces certificates, "
        "name its authority: SSL_CERT_FILE=/path/to/authority.pem",
    )


def _too_large(name: str, limit: int) -> UnreachableError:
    return UnreachableError(
        "too-large", f"is larger than {limit // 1024**2} MiB, too large for a phone", file=name
    )


def _reason(error: object) -> str:
    """An exception's words, without its numbers and Python's names."""
    if isinstance(error, TimeoutError):
        return "the server did not answer in time"
    if isinstance(error, http.client.IncompleteRead):
        return "the connection ended too early"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror.lower()
    return str(error) or type(error).__name__
