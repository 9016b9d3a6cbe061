"""Who may register and call."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

#: What Asterisk challenges for where nothing says otherwise.
REALM: Final = "asterisk"


@dataclass(frozen=True)
class PracticeAccount:
    """A phone's account, with its password or in its place ``ha1``.

    ``ha1`` is the MD5 of ``auth_name:realm:password`` in hexadecimal. ``id`` is what others dial;
    ``auth_name`` is the same where it is left empty. ``realm`` is what the phone is challenged
    for. Raises ValueError.
    """

    id: str
    auth_name: str = ""
    password: str | None = field(default=None, repr=False)
    ha1: str | None = field(default=None, repr=False)
    display_name: str = ""
    realm: str = REALM

    def __post_init__(self) -> None:
        if not self.id:
            raise ValueError("an account needs an id")
        if (self.password is None) == (self.ha1 is None):
            raise ValueError(f"account {self.id} needs either a password or an ha1")

    @property
    def login(self) -> str:
        """The name that goes with the password."""
        return self.auth_name or self.id


#: What there is where nobody gave an account.
DEMO: Final = PracticeAccount("demo", password="demo", display_name="Demo")  # noqa: S106 it is meant to be known
