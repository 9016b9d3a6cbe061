"""Which phones are not tried: those of which is known before that they would be refused.

What is refused stands in Asterisk's log, from which programs such as fail2ban shut addresses out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cmp_bundle.checks.registration import not_by_name
from cmp_bundle.checks.websocket import missing
from cmp_bundle.doctor.admission import shut_out, taken_for_another
from cmp_bundle.doctor.auths import wrong
from cmp_bundle.doctor.endpoints_loaded import lost
from cmp_bundle.doctor.evidence import Live, Missing, Written
from cmp_bundle.doctor.way import Part

if TYPE_CHECKING:
    from cmp_bundle.doctor.evidence import Phone


def left_out(phone: Phone, live: Live | Missing, written: Written | Missing) -> Missing | None:
    """Why a phone is not to be tried; None where nothing stands against it."""
    if isinstance(live, Missing):
        return None
    if fault := _fault(phone, live):
        return Missing(fault, Part.REGISTRATION)
    if phone.loaded is None:
        return None
    # Of phones that come from elsewhere this says nothing.
    if other := taken_for_another(phone, live):
        return Missing(f"Asterisk takes what comes from this machine for {other}")
    if not isinstance(written, Missing) and shut_out(phone, live, written):
        return Missing(f"Asterisk does not let {phone.id} in from this machine")
    return None


def _fault(phone: Phone, live: Live) -> str:
    """What stands against it wherever it is: a clause; empty where nothing does."""
    if missing(live.runs) is not None:
        return "PJSIP does not have the WebSocket"
    if lost(phone):
        return f"Asterisk has no endpoint {phone.id}"
    if wrong(phone, live) is not None:
        return f"what is known of {phone.id} is not what Asterisk has"
    if phone.loaded is None:
        return ""
    user = phone.account.user if phone.account else phone.id
    order = live.settings.get("endpoint_identifier_order", "username")
    if not_by_name(phone.id, user, phone.loaded.get("identify_by", "username"), order, None):
        return f"Asterisk does not find {phone.id} by its name"
    return ""
