"""The realtime tables of PJSIP, as Asterisk's contrib/ast-db-manage leaves them (2026)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

#: Names and types, as the migrations have them; ``yesno`` is an enumeration of its own.
_ENDPOINTS = {
    "varchar(255)": "auth outbound_auth outbound_proxy",
    "varchar(2048)": "aors",
    "varchar(200)": """disallow allow dtls_cert_file dtls_private_key dtls_cipher dtls_ca_file
        dtls_ca_path""",
    "varchar(128)": """codec_prefs_incoming_offer codec_prefs_outgoing_offer
        codec_prefs_incoming_answer codec_prefs_outgoing_answer""",
    "varchar(95)": "deny permit contact_deny contact_permit follow_redirect_methods",
    "varchar(80)": """identify_by accountcode contact_user geoloc_incoming_call_profile
        geoloc_outgoing_call_profile stir_shaken_profile overlap_context tenantid""",
    "varchar(40)": """transport context external_media_address mailboxes moh_suggest callerid
        callerid_tag call_group pickup_group named_call_group named_pickup_group tone_zone language
        record_on_feature record_off_feature rtp_engine sdp_owner sdp_session from_domain
        from_user mwi_from_user dtls_verify dtls_rekey media_address message_context
        voicemail_extension acl contact_acl subscribe_context incoming_mwi_mailbox""",
    "varchar(10)": "tos_audio tos_video",
    "varchar(512)": "security_mechanisms",
    "text": "set_var",
    "integer": """timers_min_se timers_sess_expires device_state_busy_at t38_udptl_maxdatagram
        sub_min_expiry cos_audio cos_video rtp_keepalive rtp_timeout rtp_timeout_hold
        fax_detect_timeout max_audio_streams max_video_streams rtp_port_start rtp_port_end""",
    "yesno": """direct_media disable_direct_media_on_nat force_rport ice_support rewrite_contact
        rtp_ipv6 rtp_symmetric send_diversion send_pai send_rpid aggregate_mwi trust_id_inbound
        trust_id_outbound use_ptime use_avpf inband_progress fax_detect t38_udptl t38_udptl_nat
        t38_udptl_ipv6 one_touch_recording allow_transfer allow_subscribe srtp_tag_32 force_avp
        media_use_received_transport user_eq_phone moh_passthrough media_encryption_optimistic
        rpid_immediate g726_non_standard bind_rtp_to_media_address
        mwi_subscribe_replaces_unsolicited preferred_codec_only asymmetric_rtp_codec rtcp_mux
        allow_overlap refer_blind_progress notify_early_inuse_ringing webrtc bundle
        dtls_auto_generate_cert follow_early_media_fork accept_multiple_sdp_answers
        suppress_q850_reason_headers trust_connected_line send_connected_line
        ignore_183_without_sdp stir_shaken send_history_info allow_unauthenticated_options
        t38_bind_udptl_to_media_address send_aoc suppress_moh_on_sendonly""",
    "enum(invite reinvite update)": "connected_line_method direct_media_method",
    "enum(none outgoing incoming)": "direct_media_glare_mitigation",
    "enum(rfc4733 inband info auto auto_info)": "dtmf_mode",
    "enum(forced no required yes)": "timers",
    "enum(no required peer_supported yes)": "100rel",
    "enum(no sdes dtls)": "media_encryption",
    "enum(none fec redundancy)": "t38_udptl_ec",
    "enum(active passive actpass)": "dtls_setup",
    "enum(user uri_core uri_pjsip)": "redirect_method",
    "enum(SHA-1 SHA-256)": "dtls_fingerprint",
    "enum(local local_first remote remote_first)": "incoming_call_offer_pref",
    "enum(local local_merge local_first remote remote_merge remote_first)": (
        "outgoing_call_offer_pref"
    ),
    """enum(allowed_not_screened allowed_passed_screened allowed_failed_screened allowed
        prohib_not_screened prohib_passed_screened prohib_failed_screened prohib
        unavailable)""": "callerid_privacy",
    "enum(no mediasec)": "security_negotiation",
}
_AUTHS = {
    "varchar(255)": "realm refresh_token oauth_clientid oauth_secret",
    "enum(md5 userpass google_oauth)": "auth_type",
    "integer": "nonce_lifetime",
    "varchar(80)": "password",
    "varchar(40)": "md5_cred username",
    "varchar(1024)": "password_digest supported_algorithms_uas supported_algorithms_uac",
}
_AORS = {
    "varchar(255)": "contact outbound_proxy",
    "varchar(80)": "mailboxes",
    "varchar(40)": "voicemail_extension",
    "integer": """default_expiration max_contacts minimum_expiration qualify_frequency
        maximum_expiration""",
    "float": "qualify_timeout",
    "yesno": """remove_existing authenticate_qualify support_path remove_unavailable
        qualify_2xx_only""",
}

#: Values of the type that PostgreSQL calls ast_bool_values.
_YESNO = ("0", "1", "off", "on", "false", "true", "no", "yes")

METADATA = sa.MetaData()


def _table(name: str, columns: dict[str, str]) -> sa.Table:
    all_columns = [sa.Column("id", sa.String(255), nullable=False, unique=True)]
    for kind, names in columns.items():
        all_columns += [
            sa.Column(column, _type(kind, f"{name}_{column}")) for column in names.split()
        ]
    return sa.Table(name, METADATA, *all_columns)


def _type(kind: str, name: str) -> Any:
    word, _, inside = kind.rstrip(")").partition("(")
    if word == "varchar":
        return sa.String(int(inside))
    if word == "enum":
        return sa.Enum(*inside.split(), name=f"{name}_values")
    if word == "yesno":
        return sa.Enum(*_YESNO, name="ast_bool_values")
    return {"integer": sa.Integer(), "float": sa.Float(), "text": sa.Text()}[word]


ENDPOINTS = _table("ps_endpoints", _ENDPOINTS)
AUTHS = _table("ps_auths", _AUTHS)
AORS = _table("ps_aors", _AORS)


def fill(engine: sa.Engine, rows: Mapping[str, Iterable[dict[str, Any]]]) -> None:
    """Make the tables anew, with these rows (by table); what a row leaves out is NULL."""
    METADATA.drop_all(engine)
    METADATA.create_all(engine)
    with engine.begin() as connection:
        for name, rows_of_table in rows.items():
            filled = [row for row in rows_of_table if row]
            # Rows of one statement share their columns.
            columns = {column for row in filled for column in row}
            if filled:
                values = [dict.fromkeys(columns) | row for row in filled]
                connection.execute(sa.insert(METADATA.tables[name]), values)
