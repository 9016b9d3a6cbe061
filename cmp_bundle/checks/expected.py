"""What the live server has to answer once a plan is carried out."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class Expected:
    """``redirect`` leads to ``page`` (path and query), or to nothing where ``page`` is None;
    ``files`` are the bytes behind each path; ``socket`` is the path of the WebSocket;
    ``listener`` the ``address:port`` of HTTPS by the configuration.
    """

    redirect: str = ""
    page: str | None = None
    files: Mapping[str, bytes] = field(default_factory=dict)
    socket: str = ""
    listener: str | None = None
