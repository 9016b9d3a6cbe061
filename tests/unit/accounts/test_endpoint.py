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
    ("values", "said"),
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
def test_auths_that_asterisk_does_not_load(values: dict[str, str], said: str) -> None:
    made = auth(**values)
    assert said in made.unusable
    assert "so Asterisk does not load it" in made.unusable
    assert not made.loaded


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"username": "a", "auth_type": "google_oauth"}, "Google"),
        (
            {"username": "a", "password": "x", "supported_algorithms_uas": "SHA-256"},
            "does not allow MD5",
        ),
    ],
)
def test_auths_that_no_browser_can_answer(values: dict[str, str], said: str) -> None:
    made = auth(**values)
    assert said in made.unusable
    assert made.loaded


def test_the_last_of_a_name_counts_whatever_its_case() -> None:
    made = auth(username="a", PASSWORD="x", Password="y")
    assert (made.password, made.secret) == ("y", Option("Password", "y", HERE))
    assert auth(username="a", password="x", Password="").unusable


def test_a_digest_counts_before_a_password() -> None:
    made = auth(username="a", password="x", md5_cred=DIGEST)
    assert (made.ha1, made.password, made.both) == (DIGEST, "", True)
    assert made.older == "takes the password"
    assert "an empty password" in auth(username="a", md5_cred=DIGEST).older
    assert "holds no digest" in auth(username="a", auth_type="md5", password="x").older
    assert not auth(username="a", auth_type="md5", md5_cred=DIGEST).older
    assert not auth(username="a", password="x").older
    assert auth(username="a", password_digest=f"MD5: {DIGEST} ,").ha1 == DIGEST


@given(drawn.PASSWORDS, drawn.NAMES, drawn.NAMES)
def test_digests_are_ha1(password: str, user: str, realm: str) -> None:
    made = auth(username=user, password=password)
    assert endpoint.digest(made, realm) == ha1(user, realm, password)
    assert password not in repr(made) or password in f"Auth(id='a', username={user!r}"


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
    made = endpoint_account.account(one, found(one, PLAIN, realm="r"), "pjsip.conf")
    assert made == Account(
        "alice",
        display_name="Alice",
        password="wonder1and",
        realm="r",
        source="pjsip.conf",
        place=HERE,
        secret=HERE,
    )
    other = replace(PLAIN, username="al")
    made = endpoint_account.account(one, found(one, other), "pjsip.conf", "named")
    assert isinstance(made, Account)
    assert (made.auth_name, made.realm) == ("al", "named")


@pytest.mark.parametrize(
    ("one", "auths", "said"),
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
    one: Endpoint, auths: tuple[Auth, ...], said: str
) -> None:
    made = endpoint_account.account(one, found(one, *auths), "pjsip.conf")
    assert isinstance(made, Finding)
    assert said in made.message
    assert "wonder1and" not in str(made)


def test_a_password_that_is_no_text_is_taken_by_its_digest() -> None:
    one = phone()
    odd = replace(PLAIN, password="caf\udce9")
    made = endpoint_account.account(one, found(one, odd, realm="r"), "pjsip.conf")
    assert isinstance(made, Account)
    assert (made.password, made.ha1) == ("", endpoint.digest(odd, "r"))


def test_the_second_auth_where_the_first_is_none() -> None:
    one = phone(auths=("x", "a"))
    made = endpoint_account.account(one, found(one, PLAIN), "pjsip.conf")
    assert isinstance(made, Account)
    assert made.password == "wonder1and"


@pytest.mark.parametrize(
    ("one", "auths", "transports", "codes"),
    [
        (phone(), (PLAIN,), {}, []),
        (phone(video_streams=1), (PLAIN,), {}, ["few-pictures"]),
        (phone(transport="tls"), (PLAIN,), {"tls": "tls"}, ["pinned-transport"]),
        (phone(transport="tls"), (PLAIN,), {}, ["pinned-transport"]),
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
    told = list(surprises(one, found(one, *auths, transports=transports)))
    assert [one.code for one in told] == codes
    assert all(one.place == HERE and one.message for one in told)


ALICE = Account("alice", password="wonder1and", place=Place("accounts.toml", 2))


def told(account: Account, held: Endpoints, *, complete: bool = True) -> dict[str, Level]:
    return {f.code: f.level for f in checks.against(account, held, complete=complete)}


def test_an_account_that_works_has_nothing_to_find() -> None:
    held = found(phone(), PLAIN, transports={}, realm="r")
    assert told(ALICE, held) == {}
    assert (
        told(replace(ALICE, password="", ha1=ha1("alice", "r", "wonder1and"), realm="r"), held)
        == {}
    )


@pytest.mark.parametrize(
    ("account", "held", "code", "level"),
    [
        (ALICE, Endpoints({}, {}), "no-endpoint", Level.ERROR),
        (ALICE, found(phone(webrtc=False), PLAIN), "no-webrtc", Level.ERROR),
        (ALICE, found(phone(auths=())), "no-auth", Level.ERROR),
        (replace(ALICE, auth_name="al"), found(phone(), PLAIN), "auth-name", Level.ERROR),
        (replace(ALICE, password="other"), found(phone(), PLAIN), "password", Level.ERROR),
        (replace(ALICE, password=""), found(phone(), PLAIN), "no-password", Level.NOTE),
        (
            replace(ALICE, password="", ha1=DIGEST, realm="x"),
            found(phone(), PLAIN, realm="r"),
            "realm",
            Level.ERROR,
        ),
        (
            ALICE,
            found(phone(transport="t"), PLAIN, transports={}),
            "pinned-transport",
            Level.ERROR,
        ),
        (ALICE, found(phone(video_streams=0), PLAIN), "few-pictures", Level.NOTE),
    ],
)
def test_findings(account: Account, held: Endpoints, code: str, level: Level) -> None:
    assert told(account, held) == {code: level}
    said = "".join(map(str, checks.against(account, held)))
    assert "wonder1and" not in said
    assert "other" not in said


def test_what_may_be_in_a_database() -> None:
    assert told(ALICE, Endpoints({}, {}), complete=False) == {"not-in-files": Level.NOTE}


def test_digests_only_where_the_realm_is_known() -> None:
    held = found(phone(), PLAIN, realm="r")
    (one,) = digested([ALICE], [held], "")
    assert (one.password, one.ha1, one.realm) == ("", ha1("alice", "r", "wonder1and"), "r")
    # Under another name, that auth is not this account's.
    other = replace(ALICE, auth_name="al")
    assert digested([other], [held], "") == (other,)
    assert digested([other], [held], "d")[0].realm == "d"
