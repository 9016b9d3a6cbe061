"""What Asterisk makes of endpoints and auths; real ones are asked in tests/asterisk."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cmp_bundle.accounts import caller_id, endpoint, endpoint_account
from cmp_bundle.accounts.endpoint import Auth, Endpoint, Endpoints, Option
from cmp_bundle.accounts.model import Account, ha1
from cmp_bundle.accounts.realm import digested
from cmp_bundle.checks import accounts as checks
from cmp_bundle.checks.endpoints import surprises
from cmp_bundle.findings import Finding, Level
from cmp_bundle.places import Place
from tests.unit.accounts import drawn

HERE = Place("/etc/asterisk/pjsip.conf", 3)
DIGEST = "0123456789abcdef0123456789abcdef"


def auth(**values: str) -> Auth:
    return endpoint.auth("a", tuple(Option(n, v, HERE) for n, v in values.items()))


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ('"Alice" <246>', "Alice"),
        ("Alice <246>", "Alice"),
        ("Alice", "Alice"),
        ("<246>", ""),
        ("246", ""),
        ("(555) 0100", ""),
        ('"246"', "246"),
        ('"a \\"b\\"" <1>', 'a "b"'),
        ("", ""),
        ("x" * 90, "x" * 79),
    ],
)
def test_names_of_callers(text: str, name: str) -> None:
    assert caller_id.name(text) == name


@given(st.text(max_size=100))
def test_no_name_is_longer_than_asterisk_keeps_it(text: str) -> None:
    caller_id.name(text).encode("utf-8", "surrogatepass")
    assert len(caller_id.name(text)) < 80


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"password": "x"}, "no username"),
        ({"username": "a"}, "no password"),
        ({"username": "a", "password": ""}, "no password"),
        (
            {"username": "a", "password": "x", "auth_type": "strange"},
            "auth_type='strange' is unknown",
        ),
        ({"username": "a", "md5_cred": "12"}, "its md5_cred is not a digest"),
        (
            {"username": "a", "password_digest": f"FOO:{DIGEST}"},
            "its password_digest is not a digest",
        ),
        ({"username": "a", "password_digest": f"SHA-256:{DIGEST}"}, "is not a digest"),
        ({"username": "a", "password_digest": f"SHA-256:{DIGEST * 2}"}, "no digest for md5"),
        (
            {"username": "a", "md5_cred": DIGEST, "supported_algorithms_uas": "MD5,SHA-256"},
            "no digest for sha-256",
        ),
        ({"username": "a", "password": "x", "supported_algorithms_uas": "X"}, "the unknown 'x'"),
    ],
)
def test_auths_that_asterisk_does_not_load(values: dict[str, str], reason: str) -> None:
    result = auth(**values)
    assert reason in result.unusable
    assert "so Asterisk does not load it" in result.unusable
    assert not result.loaded


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"username": "a", "auth_type": "google_oauth"}, "Google"),
        (
            {"username": "a", "password": "x", "supported_algorithms_uas": "SHA-256"},
            "does not allow MD5",
        ),
    ],
)
def test_auths_that_no_browser_can_answer(values: dict[str, str], reason: str) -> None:
    result = auth(**values)
    assert reason in result.unusable
    assert result.loaded


def test_the_last_of_a_name_counts_whatever_its_case() -> None:
    result = auth(username="a", PASSWORD="x", Password="y")
    assert (result.password, result.secret) == ("y", Option("Password", "y", HERE))
    assert auth(username="a", password="x", Password="").unusable


def test_a_digest_counts_before_a_password() -> None:
    result = auth(username="a", password="x", md5_cred=DIGEST)
    assert (result.ha1, result.password, result.both) == (DIGEST, "", True)
    assert result.older == "takes the password"
    assert "an empty password" in auth(username="a", md5_cred=DIGEST).older
    assert "holds no digest" in auth(username="a", auth_type="md5", password="x").older
    assert not auth(username="a", auth_type="md5", md5_cred=DIGEST).older
    assert not auth(username="a", password="x").older
    assert auth(username="a", password_digest=f"MD5: {DIGEST} ,").ha1 == DIGEST


@given(drawn.PASSWORDS, drawn.NAMES, drawn.NAMES)
def test_digests_are_ha1(password: str, user: str, realm: str) -> None:
    result = auth(username=user, password=password)
    assert endpoint.digest(result, realm) == ha1(user, realm, password)
    assert password not in repr(result) or password in f"Auth(id='a', username={user!r}"


def phone(**changes: object) -> Endpoint:
    return replace(Endpoint("alice", HERE, True, video_streams=4, auths=("a",)), **changes)  # type: ignore[arg-type]


def found(
    one: Endpoint,
    *auths: Auth,
    transports: dict[str, str] | None = None,
    realm: str = "",
) -> Endpoints:
    return Endpoints({one.id: one}, {a.id: a for a in auths}, transports, realm)


PLAIN = auth(username="alice", password="wonder1and")


def test_an_account_is_taken_with_its_places() -> None:
    one = phone(display_name="Alice")
    result = endpoint_account.account(one, found(one, PLAIN, realm="r"), "pjsip.conf")
    assert result == Account(
        "alice",
        display_name="Alice",
        password="wonder1and",
        realm="r",
        source="pjsip.conf",
        place=HERE,
        secret=HERE,
    )
    other = replace(PLAIN, username="al")
    result = endpoint_account.account(one, found(one, other), "pjsip.conf", "named")
    assert isinstance(result, Account)
    assert (result.auth_name, result.realm) == ("al", "named")


@pytest.mark.parametrize(
    ("one", "auths", "reason"),
    [
        (phone(id="a b"), (PLAIN,), "must not contain a space"),
        (phone(auths=()), (PLAIN,), "has no auth, so everybody who knows its name can use it"),
        (phone(auths=("b",)), (PLAIN,), "its auth 'b' does not exist"),
        (
            phone(),
            (replace(PLAIN, unusable="it is odd"),),
            "its auth 'a' cannot be used: it is odd",
        ),
        (phone(), (auth(username="alice", md5_cred=DIGEST),), "a digest for an unknown realm"),
        (phone(), (replace(PLAIN, username="\udcff"),), "username of the auth 'a' is not UTF-8"),
        (phone(), (replace(PLAIN, password="\udcff"),), "password of the auth 'a' is not UTF-8"),
    ],
)
def test_what_no_account_can_be_taken_from(
    one: Endpoint, auths: tuple[Auth, ...], reason: str
) -> None:
    result = endpoint_account.account(one, found(one, *auths), "pjsip.conf")
    assert isinstance(result, Finding)
    assert reason in result.message
    assert "wonder1and" not in str(result)


def test_a_password_that_is_no_text_is_taken_by_its_digest() -> None:
    one = phone()
    odd = replace(PLAIN, password="caf\udce9")
    result = endpoint_account.account(one, found(one, odd, realm="r"), "pjsip.conf")
    assert isinstance(result, Account)
    assert (result.password, result.ha1) == ("", endpoint.digest(odd, "r"))


def test_the_second_auth_where_the_first_is_none() -> None:
    one = phone(auths=("x", "a"))
    result = endpoint_account.account(one, found(one, PLAIN), "pjsip.conf")
    assert isinstance(result, Account)
    assert result.password == "wonder1and"


@pytest.mark.parametrize(
    ("one", "auths", "transports", "codes"),
    [
        (phone(), (PLAIN,), {}, []),
        (phone(video_streams=1), (PLAIN,), {}, ["V101"]),
        (phone(transport="tls"), (PLAIN,), {"tls": "tls"}, ["S106"]),
        (phone(transport="tls"), (PLAIN,), {}, ["S105"]),
        (phone(transport="w"), (PLAIN,), {"w": "wss"}, []),
        (phone(transport="w"), (PLAIN,), None, ["maybe-pinned-transport"]),
        (phone(auths=("a", "b")), (PLAIN,), {}, ["several-auths"]),
        (
            phone(),
            (auth(username="alice", password="x", md5_cred=DIGEST),),
            {},
            ["two-secrets", "newer-auth"],
        ),
    ],
)
def test_warnings(
    one: Endpoint, auths: tuple[Auth, ...], transports: dict[str, str] | None, codes: list[str]
) -> None:
    warnings = list(surprises(one, found(one, *auths, transports=transports)))
    assert [one.code for one in warnings] == codes
    assert all(one.place == HERE and one.message for one in warnings)


ALICE = Account("alice", password="wonder1and", place=Place("accounts.toml", 2))


def codes_of(account: Account, existing: Endpoints, *, complete: bool = True) -> dict[str, Level]:
    return {f.code: f.level for f in checks.against(account, existing, complete=complete)}


def test_an_account_that_works_has_nothing_to_find() -> None:
    existing = found(phone(), PLAIN, transports={}, realm="r")
    assert codes_of(ALICE, existing) == {}
    assert (
        codes_of(
            replace(ALICE, password="", ha1=ha1("alice", "r", "wonder1and"), realm="r"), existing
        )
        == {}
    )


@pytest.mark.parametrize(
    ("account", "existing", "code", "level"),
    [
        (ALICE, Endpoints({}, {}), "R101", Level.ERROR),
        (ALICE, found(phone(webrtc=False), PLAIN), "S101", Level.ERROR),
        (ALICE, found(phone(auths=())), "R109", Level.ERROR),
        (replace(ALICE, auth_name="al"), found(phone(), PLAIN), "R107", Level.ERROR),
        (replace(ALICE, password="other"), found(phone(), PLAIN), "R107", Level.ERROR),
        (replace(ALICE, password=""), found(phone(), PLAIN), "no-password", Level.NOTE),
        (
            replace(ALICE, password="", ha1=DIGEST, realm="x"),
            found(phone(), PLAIN, realm="r"),
            "R113",
            Level.ERROR,
        ),
        (
            ALICE,
            found(phone(transport="t"), PLAIN, transports={}),
            "S105",
            Level.ERROR,
        ),
        (ALICE, found(phone(video_streams=0), PLAIN), "V101", Level.WARNING),
    ],
)
def test_findings(account: Account, existing: Endpoints, code: str, level: Level) -> None:
    assert codes_of(account, existing) == {code: level}
    reason = "".join(map(str, checks.against(account, existing)))
    assert "wonder1and" not in reason
    assert "other" not in reason


def test_what_may_be_in_a_database() -> None:
    assert codes_of(ALICE, Endpoints({}, {}), complete=False) == {"not-in-files": Level.NOTE}


def test_digests_only_where_the_realm_is_known() -> None:
    existing = found(phone(), PLAIN, realm="r")
    (one,) = digested([ALICE], [existing], "")
    assert (one.password, one.ha1, one.realm) == ("", ha1("alice", "r", "wonder1and"), "r")
    # Under another name, that auth is not this account's.
    other = replace(ALICE, auth_name="al")
    assert digested([other], [existing], "") == (other,)
    assert digested([other], [existing], "d")[0].realm == "d"
