"""The SIP messages that pass, as a ladder that can be read: who is registered, who calls whom.

Credentials are masked before anything is kept, and no more is kept than somebody could read:
neither the phone nor the PBX is trusted.
"""

from __future__ import annotations

import re
import threading
import time
from collections import deque
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from cmp_bundle.devserver.masking import masked
from cmp_bundle.devserver.readable import readable

if TYPE_CHECKING:
    from collections.abc import Callable

#: Messages that are kept, over all phones, and their characters. A call takes about ten, of some
#: 20,000 characters where it has many pictures.
KEPT = 500
KEPT_CHARACTERS = 4_000_000

#: Characters that are kept of one message, and of a name or a first line.
LONGEST = 32_000
_SHORT = 200


_FOLD = re.compile(r"\n[ \t]+")


@dataclass(frozen=True)
class Message:
    """One message: when (seconds since 1970), on which socket, and whether the phone sent it.

    ``text`` is the message, masked, its lines ended by LF; of a long one, the beginning. ``call``
    is its Call-ID.
    """

    at: float
    socket: int
    from_phone: bool
    text: str
    call: str
    summary: str

    @property
    def kind(self) -> str:
        """Whether it asks, or what it answers: request, provisional, success or failure.

        To ask for credentials is provisional as well: every call and registration begins so.
        """
        status = self.summary[:3]
        if not status.isdecimal():
            return "request"
        if status in ("401", "407"):
            return "provisional"
        return {"1": "provisional", "2": "success"}.get(status[0], "failure")


@dataclass(frozen=True)
class LoggedPhone:
    """A socket's phone, as far as its messages tell: who it is, and what the PBX made of it.

    ``state`` is connected, registered, or how registering ended; ``messages`` those that belong
    to no call.
    """

    socket: int
    name: str = ""
    state: str = "connected"
    messages: tuple[Message, ...] = ()


@dataclass(frozen=True)
class Call:
    """A dialog that began with an INVITE. ``state`` is ringing, talking, or how it ended.

    ``number`` counts calls from 1.
    """

    id: str
    number: int
    caller: str
    called: str
    state: str
    began: float
    messages: tuple[Message, ...] = ()


class SipLog:
    """Watches the messages of all sockets. ``changed`` is called when there is news."""

    def __init__(self, changed: Callable[[], None] = lambda: None) -> None:
        self._changed = changed
        self._messages: deque[Message] = deque()
        self._characters = 0
        self._phones: dict[int, LoggedPhone] = {}
        self._calls: dict[str, Call] = {}
        self._count = 0
        # Pages are made in threads of their own.
        self._lock = threading.Lock()

    @property
    def phones(self) -> tuple[LoggedPhone, ...]:
        """Every open socket, in the order of their coming."""
        with self._lock:
            by_socket: dict[int, list[Message]] = {}
            for message in self._messages:
                if message.call not in self._calls:
                    by_socket.setdefault(message.socket, []).append(message)
            return tuple(
                replace(phone, messages=tuple(by_socket.get(phone.socket, ())))
                for phone in self._phones.values()
            )

    @property
    def calls(self) -> tuple[Call, ...]:
        """The newest first, each with those of its messages that are still kept."""
        with self._lock:
            by_call: dict[str, list[Message]] = {}
            for message in self._messages:
                by_call.setdefault(message.call, []).append(message)
            return tuple(
                replace(call, messages=tuple(by_call[call.id]))
                for call in reversed(self._calls.values())
                if call.id in by_call
            )

    def opened(self, socket: int) -> None:
        with self._lock:
            self._phones[socket] = LoggedPhone(socket)

    def closed(self, socket: int) -> None:
        with self._lock:
            self._phones.pop(socket, None)
        self._changed()

    def saw(self, socket: int, message: str | bytes, *, from_phone: bool) -> None:
        """A message passed on ``socket``. Whatever it holds, this does not raise."""
        # Cut before anything is looked for in it: who sends it decides how long it is.
        begin = message[:LONGEST]
        text = begin if isinstance(begin, str) else begin.decode(errors="replace")
        if not text.strip():
            return  # a keep-alive
        # Ended by whatever may pass for a line's end, so that nothing is hidden from the masking.
        text = masked("\n".join(text.splitlines()))
        head = _FOLD.sub(" ", text.lstrip("\n").partition("\n\n")[0])
        if len(message) > LONGEST:
            unit = "characters" if isinstance(message, str) else "bytes"
            text += f"\n… cut here: the message has {len(message)} {unit}"
        call = readable(_header(head, "call-id") or _header(head, "i"), _SHORT)
        text = readable(text, 2 * LONGEST)
        entry = Message(time.time(), socket, from_phone, text, call, _summary(head))
        with self._lock:
            self._keep(entry)
            self._follow(entry, head)
        self._changed()

    def _keep(self, message: Message) -> None:
        self._messages.append(message)
        self._characters += len(message.text)
        while len(self._messages) > KEPT or self._characters > KEPT_CHARACTERS:
            self._characters -= len(self._messages.popleft().text)

    def _follow(self, message: Message, head: str) -> None:
        first = head.partition("\n")[0]
        method = _method(head)
        status = int(first[8:11]) if re.match(r"SIP/2\.0 \d{3}", first) else 0
        if method == "REGISTER":
            self._register(message.socket, first, head, status)
            return
        call = self._calls.get(message.call)
        if first.startswith("INVITE ") and call is None:
            caller = _user(_header(head, "from") or _header(head, "f"))
            called = _user(_header(head, "to") or _header(head, "t"))
            self._count += 1
            self._calls[message.call] = Call(
                message.call, self._count, caller, called, "ringing", message.at
            )
            while len(self._calls) > KEPT:
                del self._calls[next(iter(self._calls))]
        elif call is not None:
            state = _state(call.state, first, method, status)
            self._calls[message.call] = replace(call, state=state)

    def _register(self, socket: int, first: str, head: str, status: int) -> None:
        phone = self._phones.get(socket)
        if phone is None:
            return  # its socket is closed already
        name = _user(_header(head, "to") or _header(head, "t"))
        state = phone.state
        if 200 <= status < 300:  # noqa: PLR2004 - SIP's classes of answers
            contact = _header(head, "contact") or _header(head, "m")
            state = "registered" if contact else "connected"
        elif status >= 300 and status not in (401, 407):  # noqa: PLR2004
            state = f"refused: {_reason(first)}"
        self._phones[socket] = replace(phone, name=name, state=state)


def _state(state: str, first: str, method: str, status: int) -> str:
    if first.startswith(("BYE ", "CANCEL ")):
        return "over" if first.startswith("BYE ") else "cancelled"
    if method != "INVITE" or state not in ("ringing", "talking"):
        return state
    if 200 <= status < 300:  # noqa: PLR2004 - SIP's classes of answers
        return "talking"
    # 401 and 407 ask for the same INVITE again, with credentials.
    if status >= 300 and status not in (401, 407) and state == "ringing":  # noqa: PLR2004
        return f"failed: {_reason(first)}"
    return state


def _summary(head: str) -> str:
    first = head.partition("\n")[0]
    if first.startswith("SIP/2.0 "):
        return readable(f"{first[8:]} ({_method(head)})", _SHORT)
    return readable(first.removesuffix(" SIP/2.0"), _SHORT)


def _reason(first: str) -> str:
    return readable(first[8:].strip(), _SHORT)


def _method(head: str) -> str:
    return _header(head, "cseq").partition(" ")[2].strip()


def _header(head: str, name: str) -> str:
    found = re.search(rf"^{name}[ \t]*:[ \t]*(.*)$", head, re.IGNORECASE | re.MULTILINE)
    return found[1].strip() if found else ""


def _user(address: str) -> str:
    """The user of an address such as ``"Alice" <sip:alice@pbx>;tag=1``."""
    found = re.search(r"sips?:([^:@;>\s]+)", address, re.IGNORECASE)
    return readable(found[1] if found else address, _SHORT)
