"""Tests of the command `rotate_key`."""

import json
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from events import keys
from events.models import ApiKey
from events.projects import NewProject
from tests import make
from tests.calling import EVENTS, Caller, buy

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]


def rotate(*arguments: str) -> str:
    out = StringIO()
    call_command("rotate_key", *arguments, stdout=out)
    return out.getvalue()


class TestRotateKey:
    def test_prints_the_new_key(self, shop_keys: NewProject) -> None:
        former = shop_keys.project.api_keys.get(kind="secret_key")

        shown: dict[str, Any] = json.loads(rotate(former.prefix, "--json"))

        new = ApiKey.objects.latest("id")
        text = shown.pop("secret_key")
        assert keys.is_key(new, text)
        assert shown == {
            "project": "shop",
            "former": former.prefix,
            "former_expires_at": "2026-03-03T09:00:00+00:00",
        }

    def test_takes_the_whole_key_and_any_overlap(self, shop_keys: NewProject) -> None:
        caller = Caller(keys=shop_keys)

        shown = rotate(shop_keys.api_key, "--overlap-hours", "0")

        former = ApiKey.objects.get(prefix=shop_keys.api_key[:12])
        assert former.expires_at == make.NOW
        assert shop_keys.api_key not in shown
        assert caller.post(EVENTS, buy()).body["detail"] == "The key has expired."

    def test_refuses_what_can_not_be(self, shop_keys: NewProject) -> None:
        former = shop_keys.project.api_keys.get(kind="api_key")

        with pytest.raises(CommandError, match="There is no key that begins with twa_nope"):
            rotate("twa_nope")
        with pytest.raises(CommandError, match="must be 0 to 2,160 hours"):
            rotate(former.prefix, "--overlap-hours", "-1")
        keys.rotate(former, overlap=timedelta(0), now=make.NOW)
        with pytest.raises(CommandError, match="was rotated before"):
            rotate(former.prefix)
        assert ApiKey.objects.count() == 3
