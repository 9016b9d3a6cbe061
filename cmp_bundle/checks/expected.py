"""What the live server has to answer once a plan is carried out."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class Expected:
    """``redirect`` leads to ``page`` (path and query), or to nothing where ``page`` is None;
    ``files`` are the bytes behind each path; ``socket`` is the path of the WebSocket; ``echo``
    is the extension and context that the dialplan has to know, ``listener`` the ``address:port``
    of HTTPS by the configuration; ``ends_https`` is whether that was ours and goes.
    """

    redirect: str = ""
    page: str | None = None
    files: Mapping[str, bytes] = field(default_factory=dict)
    socket: str = ""
    echo: tuple[str, str] | None = None
    listener: str | None = None
    ends_https: bool = False
