"""Calls that end when nobody refreshes them (RFC 4028)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from cmp_bundle.practice import grammar

if TYPE_CHECKING:
    from collections.abc import Callable

    from cmp_bundle.practice.clock import Clock, Timer
    from cmp_bundle.practice.message import SipRequest, SipResponse

#: Seconds: the least that is taken, which is what RFC 4028 allows and JsSIP asks for, and what is
#: proposed from here.
SHORTEST: Final = 90
PROPOSED: Final = 1800

#: Until a refresh that could not be made is tried again: longer than a glare lasts (RFC 3261
#: section 14.1).
_AGAIN: Final = 5.0


class TooShortError(Exception):
    """The interval asked for is below SHORTEST: the answer is 422."""


@dataclass(frozen=True)
class Terms:
    """The session is refreshed every ``seconds``: by this end if ``refreshes``, else the other."""

    seconds: int
    refreshes: bool


def proposal() -> list[tuple[str, str]]:
    """Headers of an INVITE from here."""
    return [("Session-Expires", str(PROPOSED)), ("Min-SE", str(SHORTEST))]


def asked(request: SipRequest) -> tuple[Terms | None, list[tuple[str, str]]]:
    """What is agreed on by answering the request, and the headers that say so.

    Raises TooShortError and MalformedError.
    """
    value = request.headers.first("session-expires")
    if value is None:
        return None, []
    seconds, refresher = _read(value)
    if seconds < SHORTEST:
        raise TooShortError
    able = request.lists("timer")
    # Whoever asks does the work, if it can and did not say otherwise (section 9, table 2).
    by_phone = refresher != "uas" and able
    word = "uac" if by_phone else "uas"
    headers = [("Session-Expires", f"{seconds};refresher={word}")]
    if by_phone:
        headers.append(("Require", "timer"))
    return Terms(seconds, refreshes=not by_phone), headers


def answered(response: SipResponse) -> Terms | None:
    """What a phone's success to a request from here settles. Raises MalformedError."""
    value = response.headers.first("session-expires")
    if value is None:
        return None
    seconds, refresher = _read(value)
    return Terms(max(seconds, SHORTEST), refreshes=refresher != "uas")


def _read(value: str) -> tuple[int, str]:
    number, *rest = grammar.pieces(value, ";")
    return grammar.seconds(number), grammar.parameters(rest).get("refresher", "").lower()


class SessionTimer:
    """Counts one call's time. ``refresh`` is called if it is this end's turn, ``expired`` at the end."""

    def __init__(
        self, clock: Clock, refresh: Callable[[], None], expired: Callable[[], None]
    ) -> None:
        self._clock = clock
        self._refresh = refresh
        self._expired = expired
        self._timers: list[Timer] = []
        self._terms: Terms | None = None

    def run(self, terms: Terms | None) -> None:
        """Count anew; for ever without terms."""
        self.stop()
        self._terms = terms
        if terms is None:
            return
        if terms.refreshes:
            self._timers.append(self._clock.call_later(terms.seconds / 2, self._refresh))
        # Some time before the end, so that a BYE still finds its call (section 10).
        last = terms.seconds - min(32, terms.seconds / 3)
        self._timers.append(self._clock.call_later(last, self._expired))

    def headers(self) -> list[tuple[str, str]]:
        """What a request of this end says, so that the terms go on (section 7.4)."""
        if self._terms is None:
            return []
        word = "uac" if self._terms.refreshes else "uas"
        return [("Session-Expires", f"{self._terms.seconds};refresher={word}")]

    def postpone(self) -> None:
        """The refresh could not be now."""
        self._timers.append(self._clock.call_later(_AGAIN, self._refresh))

    def stop(self) -> None:
        for timer in self._timers:
            timer.cancel()
        self._timers.clear()
