"""A link: the address that opens one account's phone, as text and as a QR code."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cmp_bundle.accounts.token import Token


def link(base: str, redirect: str, opening: Token) -> str:
    """``https://pbx:8089/cmp2k#TOKEN``. A browser sends nothing of what stands behind the #."""
    return f"{base.rstrip('/')}{redirect}#{opening.text}"


def qr_for_terminal(url: str) -> str:
    """As block characters, dark on light or light on dark: readers take both."""
    import segno  # noqa: PLC0415 - only for QR codes

    out = io.StringIO()
    segno.make(url, error="m").terminal(out, compact=True)
    return out.getvalue()


def qr_as_svg(url: str) -> bytes:
    """An SVG picture, eight units a module."""
    import segno  # noqa: PLC0415

    out = io.BytesIO()
    segno.make(url, error="m").save(out, kind="svg", scale=8, light="#fff")
    return out.getvalue()


def qr_as_data_url(url: str) -> str:
    """For an <img> in a page."""
    import segno  # noqa: PLC0415

    return str(segno.make(url, error="m").svg_data_uri(scale=4, light="#fff"))
