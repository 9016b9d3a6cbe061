"""A practice PBX whose clock a test turns, and its phones."""

from __future__ import annotations

from cmp_bundle.practice.account import PracticeAccount
from cmp_bundle.practice.pbx import PracticePbx

from .scripted import PASSWORDS, ScriptedPhone
from .ticking import Ticking

NAMES = {"alice": "Alice", "bob": 'Bob "the builder"\r\nX-Bad: 1', "carol": ""}


class Exchange:
    """By default with the accounts that phones have passwords for."""

    def __init__(self, *accounts: PracticeAccount) -> None:
        self.clock = Ticking()
        known = accounts or tuple(
            PracticeAccount(name, password=password, display_name=NAMES[name])
            for name, password in PASSWORDS.items()
        )
        self.pbx = PracticePbx(known, clock=self.clock)

    def phone(self, name: str = "alice") -> ScriptedPhone:
        return ScriptedPhone(self.pbx, name)

    def registered(self, name: str = "alice") -> ScriptedPhone:
        phone = self.phone(name)
        assert phone.register().status == 200
        return phone
