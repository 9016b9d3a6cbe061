"""V: pictures, and conferences with them."""

from __future__ import annotations

from .fault import Fault, Server
from .session import PLAN, phone, without

_CONFERENCE = "ConfBridge(cmp-conference,cmp-video,cmp-guest)"


def _one_picture(server: Server) -> None:
    phone(server, "max_video_streams = 1")


def _too_many(server: Server) -> None:
    phone(server, "max_video_streams = 25")


def _no_pictures(server: Server) -> None:
    server.replace("cmp-bundle/confbridge.conf", "video_mode = sfu\n", "")
    server.pbx.rx("module reload app_confbridge.so")


def _no_profile(server: Server) -> None:
    server.replace(PLAN, _CONFERENCE, "ConfBridge(cmp-video)")


def _two_codecs(server: Server) -> None:
    phone(server, "disallow = all", "allow = ulaw,vp8,h264")


def _late_pictures(server: Server) -> None:
    server.replace(
        "cmp-bundle/confbridge.conf",
        "video_mode = sfu\n",
        "video_mode = sfu\nvideo_update_discard = 60000\n",
    )


def _no_bundle(server: Server) -> None:
    phone(server, *without("bundle"))


FAULTS = [
    Fault("V101", _one_picture, ("alice", "1 picture")),
    Fault("V102", _no_pictures, ("cmp-video", "no video")),
    Fault("V103", _no_profile, ("ConfBridge(cmp-video)", "249")),
    Fault("V104", _two_codecs, ("alice", "vp8 or h264")),
    Fault("V105", _late_pictures, ("cmp-video", "60000")),
    Fault("V106", _no_bundle, ("alice", "bundle=yes")),
    Fault("V107", _too_many, ("alice", "25 pictures")),
]
