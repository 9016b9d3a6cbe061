"""Private keys, known to cmp-bundle or not: nobody publishes one on purpose.

A heading alone is none: libraries that read keys hold it. What counts is a heading with a body,
or the binary form itself.
"""

from __future__ import annotations

import re

#: Between a heading and its body: line ends, however a program's text writes them, and headers
#: such as Proc-Type.
_BETWEEN = rb"(?:\s|\\[nr]|[\"'`+,>*#-]|[A-Z][A-Za-z-]{2,30}: [^\r\n\\]{1,200})*"
_BODY = rb"(?:[A-Za-z0-9+/=](?:[\s\"'`+,>*#]|\\[nr])*){40}"

#: What a layer must hold before the expression behind it is tried, and what it then is.
_FORMS: tuple[tuple[bytes, re.Pattern[bytes], str], ...] = (
    (
        b"PRIVATE KEY",
        re.compile(
            rb"-{4,5} ?BEGIN (?:[A-Z0-9]+ ){0,3}PRIVATE KEY(?: BLOCK)? ?-{4,5}" + _BETWEEN + _BODY
        ),
        "a private key",
    ),
    (
        b"PuTTY-User-Key-File-",
        re.compile(rb"PuTTY-User-Key-File-\d: .{1,2000}?Private-Lines: ?\d", re.DOTALL),
        "a private key of PuTTY's",
    ),
    (b"openssh-key-v1\0", re.compile(rb"openssh-key-v1\0"), "a private key of OpenSSH's"),
    (
        b"AGE-SECRET-KEY-1",
        re.compile(rb"AGE-SECRET-KEY-1[0-9A-Z]{50,}"),
        "a private key of age's",
    ),
    (
        # Not in other objects' braces: a public key has no d, and an octet key is all in its k.
        b"kty",
        re.compile(
            rb"\{(?=[^{}]*[\"']?\bkty[\"']?\s*:)(?=[^{}]*[\"']?\b(?:d|k)[\"']?\s*:\s*"
            rb"[\"'][\w-]{16,})[^{}]*\}"
        ),
        "a private key (JWK)",
    ),
)

_SIZE = rb"(?:[\x20-\x7f]|\x81.|\x82..|\x83...)"
_VERSION = rb"\x02\x01"
#: Binary forms, by the numbers that stand in each of them.
_DER = re.compile(
    rb"0" + _SIZE + rb"(?:"
    # PKCS#8: version 0 or 1, then the algorithm (RFC 5958).
    + _VERSION + rb"[\x00\x01]0[\x03-\x30]\x06[\x03-\x0b][\x2a\x2b\x60]"
    # PKCS#1: version 0 or 1, then a modulus of at least 512 bits (RFC 8017, A.1.2).
    rb"|" + _VERSION + rb"[\x00\x01]\x02(?:[\x40\x41]|\x81.|\x82..)"
    # SEC 1: version 1, then the number itself (RFC 5915).
    rb"|" + _VERSION + rb"\x01\x04[\x18-\x42].{24}"
    # PKCS#8 with a password: PBES2, or one of PKCS#12's ciphers.
    rb"|0(?:[\x10-\x7f]|\x81.)\x06(?:\x09\x2a\x86\x48\x86\xf7\x0d\x01\x05.|\x0a\x2a\x86\x48\x86\xf7\x0d\x01\x0c\x01.)"
    # PKCS#12: version 3, then data (RFC 7292).
    rb"|" + _VERSION + rb"\x030(?:.|\x80|\x81.|\x82..|\x83...)\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07"
    rb")",
    re.DOTALL,
)  # fmt: skip


def private_key(data: bytes) -> str:
    """What kind of private key stands in ``data``, as words; empty where there is none."""
    for needed, form, what in _FORMS:
        if needed in data and form.search(data):
            return what
    return "a private key (DER or PKCS#12)" if _DER.search(data) else ""
