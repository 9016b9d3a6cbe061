"""The configuration that the test bed gives an Asterisk: the book's chapter minus its mistakes.

Endpoints carry no transport (so they can be rung), ask for four pictures (so StreamEcho can
show them), and everything is bound to loopback.
"""

from __future__ import annotations

from dataclasses import dataclass

MODULES = [
    "app_confbridge",
    "app_dial",
    "app_echo",
    "app_playback",
    "app_stream_echo",
    "app_verbose",
    "bridge_builtin_features",
    "bridge_builtin_interval_features",
    "bridge_holding",
    "bridge_native_rtp",
    "bridge_simple",
    "bridge_softmix",
    "chan_bridge_media",
    "chan_pjsip",
    "codec_alaw",
    "codec_opus",
    "codec_resample",
    "codec_ulaw",
    "format_pcm",
    "format_wav",
    "func_callerid",
    "func_channel",
    "func_logic",
    "func_strings",
    "pbx_config",
    "res_crypto",
    "res_format_attr_h264",
    "res_format_attr_opus",
    "res_format_attr_vp8",
    "res_geolocation",
    "res_http_websocket",
    "res_pjproject",
    "res_pjsip",
    "res_pjsip_acl",
    "res_pjsip_authenticator_digest",
    "res_pjsip_caller_id",
    "res_pjsip_dialog_info_body_generator",
    "res_pjsip_dtmf_info",
    "res_pjsip_endpoint_identifier_anonymous",
    "res_pjsip_endpoint_identifier_ip",
    "res_pjsip_endpoint_identifier_user",
    "res_pjsip_logger",
    "res_pjsip_nat",
    "res_pjsip_one_touch_record_info",
    "res_pjsip_outbound_authenticator_digest",
    "res_pjsip_pubsub",
    "res_pjsip_refer",
    "res_pjsip_registrar",
    "res_pjsip_rfc3326",
    "res_pjsip_sdp_rtp",
    "res_pjsip_session",
    "res_pjsip_transport_websocket",
    "res_rtp_asterisk",
    "res_sorcery_astdb",
    "res_sorcery_config",
    "res_sorcery_memory",
    "res_sorcery_realtime",
    "res_srtp",
    "res_statsd",
    "res_timing_timerfd",
    "func_pjsip_endpoint",
    "func_pjsip_contact",
    "func_pjsip_aor",
    "res_realtime",
    "res_config_sqlite3",
    "res_odbc",
    "res_config_odbc",
    "res_odbc_transaction",
    "res_pjsip_config_wizard",
]


@dataclass(frozen=True)
class Ports:
    https: int
    http: int
    ami: int
    rtp: tuple[int, int]


#: Where an Asterisk listens that has the packages' configuration, and HTTPS switched on.
AS_PACKAGED = Ports(8089, 8088, 5038, (10000, 20000))


def asterisk_conf(inside: str) -> str:
    """``inside`` is the instance's folder as Asterisk sees it, within its root."""
    return f"""\
[directories]
astetcdir => {inside}/etc
astvarlibdir => {inside}/lib
astdbdir => {inside}/lib
astkeydir => {inside}/lib
astdatadir => {inside}/data
astagidir => {inside}/data/agi-bin
astspooldir => {inside}/spool
astrundir => {inside}/run
astlogdir => {inside}/log

[options]
verbose = 0
live_dangerously = no
"""


def modules_conf(modules: list[str]) -> str:
    loads = "".join(f"load = {name}.so\n" for name in modules)
    return f"[modules]\nautoload = no\n{loads}"


def http_conf(ports: Ports, certificate: str) -> str:
    """As the chapter writes it, with a TLS port of our own."""
    return f"""\
[general]
servername=Asterisk
enabled=yes
bindaddr=127.0.0.1
bindport={ports.http}
tlsenable=yes
tlsbindaddr=127.0.0.1:{ports.https}
tlscertfile={certificate}
tlsprivatekey={certificate}
"""


def pjsip_conf(accounts: dict[str, str]) -> str:
    """Endpoint, auth and aor for each id and password of ``accounts``."""
    head = """\
[global]
type=global
user_agent=Asterisk test bed

[transport-wss]
type=transport
protocol=wss
bind=127.0.0.1

[webrtc](!)
type=endpoint
context=phones
disallow=all
allow=opus,ulaw,vp8
webrtc=yes
max_audio_streams=4
max_video_streams=8
media_address=127.0.0.1
bind_rtp_to_media_address=yes

"""
    rows = (
        f"[{name}](webrtc)\nauth={name}\naors={name}\ncallerid={name.title()} <{name}>\n\n"
        f"[{name}]\ntype=auth\nauth_type=userpass\nusername={name}\npassword={password}\n\n"
        f"[{name}]\ntype=aor\nmax_contacts=5\nremove_existing=no\n\n"
        for name, password in accounts.items()
    )
    return head + "".join(rows)


def alike(count: int, context: str = "cmp-phones") -> str:
    """So many phones of one template, p00000 and so on, for the end of a pjsip.conf."""
    template = f"""[alike](!)
type=endpoint
context={context}
webrtc=yes
disallow=all
allow=opus,ulaw
max_video_streams=4
"""
    phones = (
        f"""[p{number:05}](alike)
auth=p{number:05}
aors=p{number:05}
[p{number:05}]
type=auth
username=p{number:05}
password=Quartz-{number:05}-lantern
[p{number:05}]
type=aor
max_contacts=5
"""
        for number in range(count)
    )
    return template + "".join(phones)


def extensions_conf(accounts: dict[str, str]) -> str:
    # What StreamEcho asks for before the phone's ACK is there is dropped (sip_session_refresh in
    # res_pjsip_session.c: "not in confirmed state"), and the other pictures never come. A browser
    # sends its ACK before its sound, on a busy machine a second late: so the echo waits until it is
    # heard, at most five seconds, for who has no microphone never is. One second more is for the
    # ACK that comes through cmp-bundle serve, while the sound does not. Answer(2000) would keep
    # all that comes meanwhile, and hand it to the echo at once (main/channel.c).
    dials = "".join(f"exten => {n},1,Dial(PJSIP/{n},20)\n same => n,Hangup()\n" for n in accounts)
    return f"""\
[general]
static=yes

[phones]
exten => 246,1,Answer()
 same => n,Set(turns=0)
 same => n(again),Wait(0.1)
 same => n,Set(turns=$[${{turns}} + 1])
 same => n,GotoIf($[${{CHANNEL(rtcp,rxcount,audio)}} = 0 & ${{turns}} < 50]?again)
 same => n,Wait(1)
 same => n,StreamEcho(4)
 same => n,Hangup()
exten => 249,1,Busy(5)
exten => 250,1,Ringing()
 same => n,Wait(120)
exten => 300,1,ConfBridge(room,sfu)
{dials}"""


CONFBRIDGE_CONF = """\
[general]

[sfu]
type=bridge
video_mode=sfu
"""

LOGGER_CONF = "[general]\n[logfiles]\nmessages => notice,warning,error,verbose\n"


def rtp_conf(ports: Ports) -> str:
    return f"[general]\nrtpstart={ports.rtp[0]}\nrtpend={ports.rtp[1]}\nicesupport=yes\n"


def manager_conf(ports: Ports, secret: str) -> str:
    return f"""\
[general]
enabled=yes
bindaddr=127.0.0.1
port={ports.ami}

[testbed]
secret={secret}
read=all
write=all
"""
