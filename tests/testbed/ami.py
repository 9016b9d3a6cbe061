"""Asterisk's manager interface, as far as the tests need it: one question, one answer."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from types import TracebackType

#: Seconds that one answer may take.
PATIENCE = 60.0

_END = b"\r\n\r\n"


class AmiError(Exception):
    """An answer that does not say Success, or none."""


class Ami:
    """A session that gets no events, so that all that comes is the answer."""

    def __init__(self, port: int, secret: str) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)
        self._buffer = b""
        self._until(b"\r\n")
        self.ask("Login", Username="testbed", Secret=secret, Events="off")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._socket.close()

    def ask(self, action: str, **headers: str) -> list[bytes]:
        """The lines of the answer behind its ``Response: Success``. Raises AmiError."""
        request = [f"Action: {action}", *(f"{name}: {value}" for name, value in headers.items())]
        self._socket.sendall("\r\n".join(request).encode() + _END)
        first, *lines = self._until(_END).split(b"\r\n")
        if first != b"Response: Success":
            raise AmiError(b" ".join((first, *lines)).decode(errors="replace"))
        return lines

    def events(self, action: str, **headers: str) -> list[dict[bytes, bytes]]:
        """The events of an answer that is a list, without the last, which only ends it.

        Raises AmiError.
        """
        self.ask(action, **headers)
        found: list[dict[bytes, bytes]] = []
        while True:
            lines = self._until(_END).split(b"\r\n")
            event = dict(_header(line) for line in lines if line)
            if event.get(b"EventList") == b"Complete":
                return found
            if b"Event" in event:
                found.append(event)
            elif found:
                # Some have a blank line among their headers.
                found[-1] |= event

    def command(self, line: str) -> list[bytes]:
        """What the CLI prints. Raises AmiError where it calls that a failure."""
        lines = self.ask("Command", Command=line)
        return [text.removeprefix(b"Output: ") for text in lines if text.startswith(b"Output: ")]

    def _until(self, end: bytes) -> bytes:
        while end not in self._buffer:
            more = self._socket.recv(1 << 16)
            if not more:
                raise AmiError("the session was closed")
            self._buffer += more
        answer, _, self._buffer = self._buffer.partition(end)
        return answer


def _header(line: bytes) -> tuple[bytes, bytes]:
    name, _, value = line.partition(b": ")
    return name, value
