"""Credentials: how they are kept, and what they allow."""

import base64
import json
from datetime import timedelta
from typing import Any

import jwt
import pytest
import time_machine
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from django.utils import timezone

from events import auth, keys
from events.models import ApiKey, Project
from events.projects import NewProject
from events.types import Access, Credential, Refusal, RefusalCode, Scope
from tests import make
from tests.threads import at_once

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]


def access_of(*credentials: Credential) -> Access:
    access = auth.authenticate(credentials)
    assert isinstance(access, Access), access
    return access


def refusal_of(*credentials: Credential) -> str:
    """Return why the credentials are refused, in words."""
    refusal = auth.authenticate(credentials)
    assert isinstance(refusal, Refusal), refusal
    assert refusal.code == RefusalCode.INVALID_CREDENTIALS
    return refusal.message


def api_key(text: str) -> Credential:
    return Credential(kind="api_key", value=text)


def secret_key(text: str) -> Credential:
    return Credential(kind="secret_key", value=text)


def token(text: str) -> Credential:
    return Credential(kind="jwt", value=text)


def signed(made: NewProject, **changes: Any) -> Credential:
    """Return a token of the project with claims changed; None takes one away."""
    claims = {
        "sub": "u-1",
        "iss": "tenant",
        "aud": made.project.slug,
        "exp": timezone.now() + timedelta(hours=1),
    } | changes
    kept = {name: value for name, value in claims.items() if value is not None}
    return token(jwt.encode(kept, made.jwt_secret, algorithm="HS256"))


def unsigned(header: Any, payload: Any) -> str:
    """Return a token with these parts and a signature that is none."""
    parts = (
        json.dumps(part).encode() if not isinstance(part, bytes) else part
        for part in (header, payload, b"no signature")
    )
    return ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts)


class TestAKey:
    def test_is_kept_as_a_hash_and_found_by_its_prefix(self, shop_keys: NewProject) -> None:
        for text, mark in ((shop_keys.api_key, "twa_"), (shop_keys.secret_key, "tws_")):
            kept = ApiKey.objects.get(prefix=text[:12])
            assert text.startswith(mark)
            assert kept.key_hash == keys.key_hash(text)
            values = [str(value) for value in ApiKey.objects.filter(pk=kept.pk).values_list()[0]]
            assert not any(text[12:] in value for value in values)

    def test_is_never_made_twice(self, shop: Project) -> None:
        made = {keys.issue(shop, ApiKey.Kind.API).text for _ in range(20)}

        assert len(made) == 20

    def test_allows_what_its_kind_does(self, shop_keys: NewProject) -> None:
        by_api_key = access_of(api_key(shop_keys.api_key))
        by_secret = access_of(secret_key(shop_keys.secret_key))

        assert by_api_key.project_id == by_secret.project_id == shop_keys.project.pk
        assert by_api_key.scopes == {Scope.INGEST, Scope.READ, Scope.CONFIGURE}
        assert by_secret.scopes == {Scope.INGEST, Scope.READ, Scope.CONFIGURE, Scope.POINTS}
        assert not by_api_key.is_token

    def test_is_refused_as_another_kind(self, shop_keys: NewProject) -> None:
        assert refusal_of(secret_key(shop_keys.api_key)) == "The key is not known."
        assert refusal_of(api_key(shop_keys.secret_key)) == "The key is not known."
        assert (
            refusal_of(token(shop_keys.api_key)) == "The token names no project of ours in `aud`."
        )

    @pytest.mark.parametrize(
        "change",
        [
            pytest.param(lambda text: text[:-1], id="cut"),
            pytest.param(lambda text: text + "x", id="longer"),
            pytest.param(lambda text: text.upper(), id="in capitals"),
            pytest.param(lambda text: text[:12], id="the prefix alone"),
            pytest.param(lambda text: text[:13], id="the prefix and no more"),
            pytest.param(lambda text: f"{text[:12]}\x00{text[12:]}", id="with U+0000"),
            pytest.param(lambda text: "_" * 10_000, id="nonsense"),
            pytest.param(lambda text: "ключ", id="of other letters"),
        ],
    )
    def test_is_refused_where_a_letter_is_wrong(self, shop_keys: NewProject, change: Any) -> None:
        assert refusal_of(api_key(change(shop_keys.api_key))) == "The key is not known."

    def test_of_another_project_does_not_help(
        self, shop_keys: NewProject, other_keys: NewProject
    ) -> None:
        both = api_key(shop_keys.api_key), secret_key(other_keys.secret_key)

        assert refusal_of(*both) == "The credentials belong to different projects."
        together = access_of(api_key(shop_keys.api_key), secret_key(shop_keys.secret_key))
        assert Scope.POINTS in together.scopes

    def test_does_not_hide_a_wrong_one_beside_it(self, shop_keys: NewProject) -> None:
        wrong = secret_key("tws_00000000_wrong")

        assert refusal_of(api_key(shop_keys.api_key), wrong) == "The key is not known."


class TestARevokedKey:
    def test_is_refused(self, shop_keys: NewProject) -> None:
        ApiKey.objects.update(revoked_at=timezone.now())

        assert refusal_of(api_key(shop_keys.api_key)) == "The key was revoked."

    def test_is_refused_once_its_acceptance_is_forgotten(
        self, shop_keys: NewProject, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(auth, "ACCESS_SECONDS", 0.0)
        access_of(api_key(shop_keys.api_key))
        ApiKey.objects.update(revoked_at=timezone.now())

        assert refusal_of(api_key(shop_keys.api_key)) == "The key was revoked."

    def test_is_remembered_for_seconds_at_most(self) -> None:
        assert auth.ACCESS_SECONDS <= 5
        assert auth.REFUSED_SECONDS <= 1


class TestAKeyRefusedAMomentAgo:
    def test_is_accepted_once_it_is_there(
        self, shop: Project, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(auth, "REFUSED_SECONDS", 0.0)
        made = keys.issue(shop, ApiKey.Kind.API)
        made.api_key.delete()
        refusal_of(api_key(made.text))
        made.api_key.pk = None
        made.api_key.save()

        assert access_of(api_key(made.text)).project_id == shop.pk


@pytest.mark.django_db(transaction=True)
class TestManyThreads:
    def test_are_judged_alike(self, shop_keys: NewProject, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(auth, "_MOST_REMEMBERED", 3)

        def judge() -> list[bool]:
            texts = [shop_keys.api_key, *(f"twa_0000000{number}_x" for number in range(9))]
            return [isinstance(auth.authenticate([api_key(text)]), Access) for text in texts]

        assert at_once([judge] * 8) == [[True] + [False] * 9] * 8


class TestAToken:
    def test_allows_ingest_alone(self, shop_keys: NewProject) -> None:
        for credential in (token(shop_keys.jwt), signed(shop_keys)):
            access = access_of(credential)
            assert access.project_id == shop_keys.project.pk
            assert access.scopes == {Scope.INGEST}
            assert (access.is_token, access.key_id) == (True, None)

    def test_of_a_new_project_lasts_ten_years(
        self, shop_keys: NewProject, clock: time_machine.Traveller
    ) -> None:
        clock.move_to(make.NOW + timedelta(days=3650))
        access_of(token(shop_keys.jwt))
        auth.forget()
        clock.move_to(make.NOW + timedelta(days=3654))

        assert refusal_of(token(shop_keys.jwt)) == "The token has expired."

    def test_may_name_the_project_among_others(self, shop_keys: NewProject) -> None:
        access = access_of(signed(shop_keys, aud=["elsewhere", "shop"]))

        assert access.project_id == shop_keys.project.pk

    def test_may_name_two_projects_of_ours_and_is_of_who_signed_it(
        self, other_keys: NewProject, shop_keys: NewProject
    ) -> None:
        for made in (shop_keys, other_keys):
            credential = signed(made, aud=["other", "shop"])
            assert access_of(credential).project_id == made.project.pk

    @pytest.mark.parametrize(
        "changes",
        [
            pytest.param({"exp": 1}, id="expired"),
            pytest.param({"exp": None}, id="without exp"),
            pytest.param({"exp": "soon"}, id="exp is no number"),
            pytest.param({"exp": float("inf")}, id="exp is infinite"),
            pytest.param({"exp": float("nan")}, id="exp is not a number at all"),
            pytest.param({"exp": []}, id="exp is a list"),
            pytest.param({"nbf": 99_999_999_999}, id="not valid yet"),
            pytest.param({"nbf": float("inf")}, id="nbf is infinite"),
            pytest.param({"iat": float("inf")}, id="iat is infinite"),
            pytest.param({"iat": {}}, id="iat is an object"),
            pytest.param({"aud": None}, id="without aud"),
            pytest.param({"aud": "elsewhere"}, id="of another audience"),
            pytest.param({"aud": []}, id="of no audience"),
            pytest.param({"aud": {"shop": 1}}, id="aud is an object"),
            pytest.param({"aud": ["shop", 1]}, id="aud holds a number"),
            pytest.param({"aud": "SHOP"}, id="aud in capitals"),
            pytest.param({"aud": "sh\x00op"}, id="aud with U+0000"),
            pytest.param({"aud": "shop\ud800"}, id="aud with half a surrogate pair"),
            pytest.param({"sub": None}, id="without sub"),
            pytest.param({"sub": ""}, id="sub is empty"),
            pytest.param({"sub": 7}, id="sub is a number"),
            pytest.param({"iss": None}, id="without iss"),
            pytest.param({"iss": ""}, id="iss is empty"),
        ],
    )
    def test_is_refused_where_a_claim_is_wrong(
        self, shop_keys: NewProject, changes: dict[str, Any]
    ) -> None:
        assert refusal_of(signed(shop_keys, **changes)).startswith("The token")

    def test_signed_with_another_projects_secret_is_refused(
        self, shop_keys: NewProject, other_keys: NewProject
    ) -> None:
        forged = jwt.encode(
            {"sub": "u-1", "iss": "x", "aud": "shop", "exp": timezone.now() + timedelta(hours=1)},
            other_keys.jwt_secret,
            algorithm="HS256",
        )

        assert refusal_of(token(forged)) == "The token is not valid."

    @pytest.mark.parametrize("algorithm", ["none", "None", "HS512", "RS256", "", None, 7])
    def test_signed_by_another_algorithm_is_refused(
        self, shop_keys: NewProject, algorithm: Any
    ) -> None:
        claims = {"sub": "u-1", "iss": "x", "aud": "shop", "exp": 99_999_999_999}
        forged = unsigned({"alg": algorithm, "typ": "JWT"}, claims)

        assert refusal_of(token(forged)).startswith("The token")
        assert refusal_of(token(forged.rpartition(".")[0] + ".")).startswith("The token")

    def test_signed_by_the_right_secret_with_another_hash_is_refused(
        self, shop_keys: NewProject
    ) -> None:
        claims = {"sub": "u-1", "iss": "x", "aud": "shop", "exp": 99_999_999_999}
        forged = jwt.encode(claims, shop_keys.jwt_secret * 2, algorithm="HS512")

        assert refusal_of(token(forged)) == "The token is not valid."

    def test_signed_by_a_private_key_is_refused(self, shop_keys: NewProject) -> None:
        private = rsa.generate_private_key(public_exponent=65_537, key_size=2048).private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        claims = {"sub": "u-1", "iss": "x", "aud": "shop", "exp": 99_999_999_999}

        assert refusal_of(token(jwt.encode(claims, private, algorithm="RS256"))).startswith("The")

    @pytest.mark.parametrize(
        "text",
        [
            "",
            ".",
            "..",
            "a.b.c",
            "é.é.é",
            "x" * 100_000,
            unsigned({"alg": "HS256"}, []),
            unsigned([], {"aud": "shop"}),
            unsigned({"alg": "HS256"}, b"\xff\xfe"),
            unsigned({"alg": "HS256"}, b"[" * 50_000),
            unsigned(b"[" * 50_000, {"aud": "shop"}),
            unsigned({"alg": "HS256", "crit": ["x"]}, {"aud": "shop"}),
            unsigned({"alg": "HS256", "kid": {}}, {"aud": "shop"}),
            unsigned({"alg": "HS256", "b64": False}, {"aud": "shop"}),
            unsigned({"alg": "HS256"}, b'{"aud": "shop", "exp": ' + b"9" * 5_000 + b"}"),
        ],
    )
    @pytest.mark.usefixtures("shop")
    def test_is_refused_where_it_is_none(self, text: str) -> None:
        assert refusal_of(token(text)).startswith("The token")
