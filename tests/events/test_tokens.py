"""Tokens (JWT): what they allow, and what they may not choose."""

import base64
import hmac
from datetime import timedelta
from typing import Any

import jwt
import pytest
import time_machine
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from django.utils import timezone

from events import auth, keys
from events.models import Project
from events.projects import NewProject
from events.types import Scope
from tests import make
from tests.events.credentials import access_of, refusal_of, signed, token, unsigned

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]


class TestAToken:
    def test_allows_ingest_alone(self, shop_keys: NewProject) -> None:
        for credential in (token(shop_keys.jwt), signed(shop_keys)):
            access = access_of(credential)
            assert access.project_id == shop_keys.project.pk
            assert access.scopes == {Scope.INGEST}
            assert (access.is_token, access.key_id) == (True, None)
            assert not access.has_secret

    def test_names_its_user(self, shop_keys: NewProject) -> None:
        assert access_of(signed(shop_keys, sub="u-7")).subject == "u-7"
        assert access_of(signed(shop_keys, iss="trackward")).subject == "u-1"

    def test_that_is_ready_made_is_for_all_users(self, shop_keys: NewProject) -> None:
        assert access_of(token(shop_keys.jwt)).subject == ""

    def test_is_held_to_the_limit_of_its_project(self, shop_keys: NewProject) -> None:
        Project.objects.filter(slug="shop").update(token_rate_limit="5/s")

        [limit] = access_of(token(shop_keys.jwt)).rate_limits

        assert (limit.events, limit.seconds) == (5, 1)

    @pytest.mark.parametrize(
        "claims", [{"exp": -29}, {"nbf": 29}, {"iat": 29}], ids=["expired", "not before", "issued"]
    )
    def test_may_be_of_a_clock_that_differs_by_seconds(
        self, shop_keys: NewProject, claims: dict[str, int]
    ) -> None:
        moments = {
            name: timezone.now() + timedelta(seconds=seconds) for name, seconds in claims.items()
        }

        assert access_of(signed(shop_keys, **moments)).is_token

    @pytest.mark.parametrize(
        "claims", [{"exp": -31}, {"nbf": 31}, {"iat": 31}], ids=["expired", "not before", "issued"]
    )
    def test_is_refused_where_the_clock_differs_by_more(
        self, shop_keys: NewProject, claims: dict[str, int]
    ) -> None:
        moments = {
            name: timezone.now() + timedelta(seconds=seconds) for name, seconds in claims.items()
        }

        assert refusal_of(signed(shop_keys, **moments)).startswith("The token")

    @pytest.mark.parametrize(
        "header",
        [
            {"kid": "../../etc/passwd"},
            {"kid": "' OR 1=1"},
            {"jku": "https://evil.example/keys.json"},
            {"x5u": "https://evil.example/cert.pem"},
            {"jwk": {"kty": "oct", "k": "ZXZpbA"}},
        ],
        ids=["kid is a path", "kid is SQL", "jku", "x5u", "jwk"],
    )
    def test_chooses_no_key_by_its_header(
        self, shop_keys: NewProject, header: dict[str, Any]
    ) -> None:
        claims = {"sub": "u-1", "iss": "x", "aud": "shop", "exp": 99_999_999_999}
        forged = jwt.encode(claims, "evil" * 10, algorithm="HS256", headers=header)
        own = jwt.encode(claims, shop_keys.jwt_secret, algorithm="HS256", headers=header)

        assert refusal_of(token(forged)) == "The token is not valid."
        assert access_of(token(own)).project_id == shop_keys.project.pk

    @pytest.mark.parametrize("algorithm", ["hs256", "Hs256", "HS256 ", "HS384", "ES256", "EdDSA"])
    def test_signed_by_our_secret_under_another_name_is_refused(
        self, shop_keys: NewProject, algorithm: str
    ) -> None:
        """The signature itself is right: HMAC with SHA-256 over header and claims."""
        claims = {"sub": "u-1", "iss": "x", "aud": "shop", "exp": 99_999_999_999}
        text = unsigned({"alg": algorithm, "typ": "JWT"}, claims).rpartition(".")[0]
        digest = hmac.digest(shop_keys.jwt_secret.encode(), text.encode(), "sha256")
        signature = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()

        assert refusal_of(token(f"{text}.{signature}")) == "The token is not valid."

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
            unsigned({"alg": "HS256"}, b"[" * 5_000),
            unsigned(b"[" * 5_000, {"aud": "shop"}),
            unsigned({"alg": "HS256", "crit": ["x"]}, {"aud": "shop"}),
            unsigned({"alg": "HS256", "kid": {}}, {"aud": "shop"}),
            unsigned({"alg": "HS256", "b64": False}, {"aud": "shop"}),
            unsigned({"alg": "HS256"}, b'{"aud": "shop", "exp": ' + b"9" * 5_000 + b"}"),
        ],
    )
    @pytest.mark.usefixtures("shop")
    def test_is_refused_where_it_is_none(self, text: str) -> None:
        assert refusal_of(token(text)).startswith("The token")


class TestARotatedSecret:
    def test_holds_until_the_overlap_is_over(
        self, shop_keys: NewProject, clock: time_machine.Traveller
    ) -> None:
        issued = keys.rotate_jwt_secret(
            shop_keys.project, overlap=timedelta(hours=24), now=make.NOW
        )

        by_new = jwt.encode(
            {"sub": "u-1", "iss": "x", "aud": "shop", "exp": 99_999_999_999},
            issued.jwt_secret,
            algorithm="HS256",
        )
        for text in (shop_keys.jwt, issued.jwt, by_new):
            assert access_of(token(text)).project_id == shop_keys.project.pk
        clock.shift(timedelta(hours=24))
        auth.forget()
        assert refusal_of(token(shop_keys.jwt)) == "The token is not valid."
        assert access_of(token(issued.jwt)).is_token

    def test_may_be_out_at_once(self, shop_keys: NewProject) -> None:
        keys.rotate_jwt_secret(shop_keys.project, overlap=timedelta(0), now=make.NOW)

        assert refusal_of(token(shop_keys.jwt)) == "The token is not valid."

    def test_is_out_once_another_follows(self, shop_keys: NewProject) -> None:
        for _ in range(2):
            shop_keys.project.refresh_from_db()
            keys.rotate_jwt_secret(shop_keys.project, overlap=timedelta(days=1), now=make.NOW)

        assert refusal_of(token(shop_keys.jwt)) == "The token is not valid."

    def test_does_not_lend_its_time_to_an_expired_token(self, shop_keys: NewProject) -> None:
        keys.rotate_jwt_secret(shop_keys.project, overlap=timedelta(days=1), now=make.NOW)

        expired = signed(shop_keys, exp=timezone.now() - timedelta(hours=1))

        assert refusal_of(expired) == "The token has expired."

    def test_is_rotated_by_one_of_two(self, shop: Project) -> None:
        seen_by_another = Project.objects.get(pk=shop.pk)
        keys.rotate_jwt_secret(shop, overlap=timedelta(days=1), now=make.NOW)

        with pytest.raises(keys.RotationError):
            keys.rotate_jwt_secret(seen_by_another, overlap=timedelta(days=1), now=make.NOW)
