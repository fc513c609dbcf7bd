"""Credentials: how they are kept, and what they allow."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.utils import timezone

from events import auth, key_activity, keys
from events.models import ApiKey, Project
from events.projects import NewProject
from events.types import Access, RefusalCode, Scope
from tests import make
from tests.events.credentials import access_of, api_key, refusal_of, secret_key, token
from tests.threads import at_once

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]


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
        wrong_secret = secret_key("tws_00000000_wrong")
        wrong_key = api_key("twa_00000000_wrong")
        code = RefusalCode.INVALID_SECRET_KEY

        message = refusal_of(api_key(shop_keys.api_key), wrong_secret, code=code)
        assert message == "The secret key is not known."
        # Whichever comes first: who has no key learns nothing of secrets.
        assert refusal_of(wrong_secret, wrong_key) == "The key is not known."
        assert refusal_of(wrong_key, secret_key(shop_keys.secret_key)) == "The key is not known."
        assert refusal_of(wrong_secret) == "The key is not known."

    def test_is_enough_beside_one_that_may_fail(self, shop_keys: NewProject) -> None:
        stray = replace(secret_key("tws_00000000_wrong"), may_fail=True)

        access = access_of(api_key(shop_keys.api_key), stray)

        assert (access.has_secret, Scope.POINTS in access.scopes) == (False, False)
        held = replace(secret_key(shop_keys.secret_key), may_fail=True)
        assert access_of(api_key(shop_keys.api_key), held).has_secret

    def test_says_whether_a_secret_came_along(self, shop_keys: NewProject) -> None:
        both = api_key(shop_keys.api_key), secret_key(shop_keys.secret_key)

        assert not access_of(both[0]).has_secret
        assert access_of(both[1]).has_secret
        assert access_of(*both).has_secret

    def test_says_whether_the_project_demands_a_secret(self, shop_keys: NewProject) -> None:
        both = api_key(shop_keys.api_key), secret_key(shop_keys.secret_key)
        assert not access_of(both[0]).demands_secret
        Project.objects.update(demands_secret_key=True)
        auth.forget()

        assert access_of(both[0]).demands_secret
        assert access_of(*both).demands_secret

    def test_has_the_limits_of_the_first_that_has_any(self, shop_keys: NewProject) -> None:
        second = shop_keys.project.api_keys.get(kind="secret_key")
        ApiKey.objects.filter(pk=second.pk).update(rate_limit="5/s, 9/min")
        both = api_key(shop_keys.api_key), secret_key(shop_keys.secret_key)

        access = access_of(*both)

        assert access.key_id == second.pk
        assert [(each.events, each.seconds) for each in access.rate_limits] == [(5, 1), (9, 60)]

    def test_of_any_length_is_refused_without_a_look(
        self, shop_keys: NewProject, django_assert_num_queries: Any
    ) -> None:
        with django_assert_num_queries(0):
            assert refusal_of(api_key(f"{shop_keys.api_key}{'x' * 60}")) == "The key is not known."
            assert refusal_of(token(f"{shop_keys.jwt}{'x' * 9_000}")) == "The token is too long."


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


class TestARotatedKey:
    def test_holds_until_the_overlap_is_over(
        self, shop_keys: NewProject, clock: time_machine.Traveller
    ) -> None:
        former = ApiKey.objects.get(prefix=shop_keys.api_key[:12])
        ApiKey.objects.filter(pk=former.pk).update(
            name="Till", rate_limit="5/s", scopes=["ingest", "read"]
        )
        former.refresh_from_db()

        issued = keys.rotate(former, overlap=timedelta(hours=24), now=make.NOW)

        former.refresh_from_db()
        new = ApiKey.objects.get(pk=issued.api_key.pk)
        assert (former.replaced_by, former.expires_at) == (new, make.NOW + timedelta(days=1))
        assert (new.kind, new.name, new.rate_limit) == ("api_key", "Till", "5/s")
        assert (new.scopes, new.expires_at) == (["ingest", "read"], None)
        assert access_of(api_key(issued.text)).scopes == {Scope.INGEST, Scope.READ}
        clock.shift(timedelta(hours=24, seconds=-1))
        auth.forget()
        assert access_of(api_key(shop_keys.api_key)).key_id == former.pk
        clock.shift(1)
        auth.forget()
        assert refusal_of(api_key(shop_keys.api_key)) == "The key has expired."
        assert access_of(api_key(issued.text)).key_id == new.pk

    def test_is_not_rotated_again(self, shop: Project) -> None:
        former = shop.api_keys.get(kind="api_key")
        keys.rotate(former, overlap=timedelta(0), now=make.NOW)

        with pytest.raises(keys.RotationError):
            keys.rotate(former, overlap=timedelta(0), now=make.NOW)

        assert shop.api_keys.count() == 3

    def test_that_was_revoked_is_not_rotated(self, shop: Project) -> None:
        former = shop.api_keys.get(kind="api_key")
        keys.revoke(former, make.NOW)

        with pytest.raises(keys.RotationError):
            keys.rotate(former, overlap=timedelta(hours=1), now=make.NOW)

        assert shop.api_keys.count() == 2


@pytest.mark.django_db(transaction=True)
class TestAKeyRotatedByTwoAtOnce:
    def test_is_followed_by_one(self, shop: Project) -> None:
        former = shop.api_keys.get(kind="api_key")

        def rotate() -> bool:
            try:
                keys.rotate(former, overlap=timedelta(hours=1), now=make.NOW)
            except keys.RotationError:
                return False
            return True

        assert sorted(at_once([rotate] * 4)) == [False, False, False, True]
        assert shop.api_keys.count() == 3


class TestTheLastUse:
    def last_used(self) -> list[Any]:
        key_activity.write()
        return list(ApiKey.objects.order_by("id").values_list("last_used_at", flat=True))

    def test_is_kept_to_the_minute(
        self, shop_keys: NewProject, clock: time_machine.Traveller
    ) -> None:
        assert self.last_used() == [None, None]
        uses = []
        for seconds in (0, 30, 40):
            clock.shift(seconds)
            auth.forget()
            access_of(api_key(shop_keys.api_key))
            uses.append(self.last_used())

        later = make.NOW + timedelta(seconds=70)
        assert uses == [[make.NOW, None], [make.NOW, None], [later, None]]

    def test_is_not_turned_back_by_a_slower_process(
        self, shop_keys: NewProject, clock: time_machine.Traveller
    ) -> None:
        access_of(api_key(shop_keys.api_key))
        later = make.NOW + timedelta(seconds=50)
        ApiKey.objects.update(last_used_at=later)

        assert self.last_used() == [later, later]

    def test_is_not_that_of_a_refused_key(self, shop_keys: NewProject) -> None:
        ApiKey.objects.update(revoked_at=make.NOW)
        refusal_of(api_key(shop_keys.api_key))

        assert self.last_used() == [None, None]

    def test_costs_a_request_no_statement(
        self, shop_keys: NewProject, django_assert_num_queries: Any
    ) -> None:
        with django_assert_num_queries(1):
            access_of(api_key(shop_keys.api_key))


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

    def test_keep_what_they_know_through_a_flood_of_nonsense(
        self, shop_keys: NewProject, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(auth, "_MOST_REMEMBERED", 3)
        access_of(api_key(shop_keys.api_key))
        for number in range(10):
            refusal_of(api_key(f"twa_0000000{number}_x"))

        assert len(auth._refused_lately) <= 3
        assert [each.value for each in auth._accepted] == [shop_keys.api_key]
