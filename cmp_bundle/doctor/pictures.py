"""Pictures, and conferences with them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from cmp_bundle.accounts.remedy import remedy
from cmp_bundle.asterisk.reloads import CONFBRIDGE, DIALPLAN, PJSIP
from cmp_bundle.checks.endpoints import PICTURES, more_pictures
from cmp_bundle.doctor import dialled
from cmp_bundle.doctor.check import Check, Unknown
from cmp_bundle.doctor.codecs import VIDEO
from cmp_bundle.doctor.together import together
from cmp_bundle.findings import finding
from cmp_bundle.places import Row
from cmp_bundle.sizes import some

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cmp_bundle.asterisk.answers.conference import Bridge
    from cmp_bundle.doctor.dialled import Step
    from cmp_bundle.doctor.evidence import Live, Phone, Written
    from cmp_bundle.findings import Finding
    from cmp_bundle.places import Place


#: Pictures that a description of a call has room for, beside one sound (PJMEDIA_MAX_SDP_MEDIA is 16).
_MOST: Final = 15
#: Milliseconds that Asterisk itself waits until it asks for another whole picture.
_USUAL: Final = 2000


def streams(phones: tuple[Phone, ...], live: Live) -> Iterator[Finding]:
    """Few are enough where a phone reaches nothing that has more."""
    few: dict[tuple[str, Step, Row | None], list[Phone]] = {}
    for phone in phones:
        text = phone.option("max_video_streams", "1")
        number = int(text) if text.isdecimal() else 1
        if not any(codec in VIDEO for codec in phone.codecs):
            continue
        if number < PICTURES:
            step = _has_many(phone, live)
            if step is not None:
                row = phone.place if isinstance(phone.place, Row) else None
                few.setdefault((text, step, row), []).append(phone)
        elif number > _MOST:
            yield finding(
                "V107",
                f"{phone.id} is allowed {number} pictures, and a call has room for {_MOST} beside the"
                " sound: who joins a conference after that is not seen",
                phone.place_of("max_video_streams"),
                f"keep conferences to {_MOST + 1} people: "
                + remedy("endpoint", phone.id, phone.place, {"max_video_streams": str(_MOST)}),
                phone.id,
                seen=f"max_video_streams: {text}",
            )
    for (text, step, _), those in few.items():
        number = int(text) if text.isdecimal() else 1
        who, gets = (those[0].id, "gets") if len(those) == 1 else (_names(those), "get")
        yield finding(
            "V101",
            f"{who} {gets} {number or 'no'} picture{'' if number == 1 else 's'} in a call, and"
            f" {step.extension} of {step.context} has more: {step.application}",
            those[0].place_of("max_video_streams"),
            more_pictures(those[0].id, those[0].place)
            if len(those) == 1
            else f"write max_video_streams={PICTURES} or more into each; then {PJSIP}",
            those[0].id if len(those) == 1 else "",
            seen=f"max_video_streams: {text}",
        )


def _names(phones: list[Phone]) -> str:
    return some([one.id for one in phones])


def _has_many(phone: Phone, live: Live) -> Step | None:
    """An echo or a conference that a phone reaches."""
    context = phone.option("context", "default")
    reached = list(dialled.reached(live.contexts, context))
    plans = {name: plan for name, plan in live.contexts.items() if plan in reached}
    return next(dialled.steps(plans, "StreamEcho", "ConfBridge"), None)


def conferences(live: Live, written: Written) -> Iterator[Finding]:
    told = set[str]()
    for step in dialled.steps(live.contexts, "ConfBridge"):
        name = dialled.profile(step)
        profile = live.bridges.get(name)
        room = step.parts[0]
        wanted = live.bridges.get(room)
        place = dialled.place(step, written)
        if len(step.parts) < 2 and wanted and wanted.has_pictures:  # noqa: PLR2004 - room, profile
            yield finding(
                "V103",
                f"{step.extension} in {step.context} names {room} as the conference, and not as its profile:"
                f" it has that of {dialled.DEFAULT}",
                place,
                f"write ConfBridge(ROOM,{room}); then {DIALPLAN}",
                seen=str(step),
            )
        elif profile is not None and name not in told and not _sets_it_itself(step, live):
            told.add(name)
            yield from _of(profile, step, written, place)


def _of(
    bridge: Bridge, step: dialled.Step, written: Written, place: Place | None
) -> Iterator[Finding]:
    seen = f"confbridge show profile bridge {bridge.name}: Video Mode: {bridge.video}"
    where = _line(written, bridge.name, "video_update_discard") or place
    if not bridge.has_pictures:
        yield finding(
            "V102",
            f"the conference {step.extension} in {step.context} has the profile {bridge.name}, which has no"
            " pictures",
            place,
            f"write video_mode=sfu into [{bridge.name}], type=bridge, of confbridge.conf, and name it in the"
            f" dialplan: ConfBridge(ROOM,{bridge.name}); then {CONFBRIDGE}",
            seen=seen,
        )
    elif bridge.discard is not None and bridge.discard > _USUAL:
        yield finding(
            "V105",
            f"the profile {bridge.name} asks for a whole picture every {bridge.discard} ms at the most: who"
            " joins a conference sees black for so long",
            where,
            f"write video_update_discard={_USUAL} into [{bridge.name}] of confbridge.conf; then"
            f" {CONFBRIDGE}",
            seen=f"Video Update Discard: {bridge.discard}",
        )


def _line(written: Written, section: str, name: str) -> Place | None:
    file = written.files.get("confbridge.conf")
    found = file.last(section, name) if file else None
    return found.place if found else None


def _sets_it_itself(step: dialled.Step, live: Live) -> bool:
    """Whether the extension makes a profile of its own: Set(CONFBRIDGE(bridge,video_mode)=sfu)."""
    plan = live.contexts.get(step.context)
    words = plan.applications.get(step.extension, ()) if plan else ()
    return any("CONFBRIDGE(" in word for word in words if not word.startswith("ConfBridge("))


def elsewhere() -> Iterator[Unknown]:
    yield Unknown("V108", "only the browser knows whether there is a camera")


CHECKS = (
    Check(
        ("V101", "V107"),
        ("phones", "live"),
        lambda phones, live: together(streams(phones, live)),
    ),
    Check(("V102", "V103", "V105"), ("live", "written"), conferences),
    Check(("V108",), (), elsewhere),
)
