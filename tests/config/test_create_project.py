"""The command that makes a project."""

import json

import pytest
from django.core.management import CommandError, call_command

from events.models import Project


class TestAProjectMadeByTheCommand:
    def test_prints_its_keys_once(self, db: None, capsys: pytest.CaptureFixture[str]) -> None:
        call_command("create_project", "game", "--time-zone", "Asia/Tokyo", "--strict", "--json")

        printed = json.loads(capsys.readouterr().out.splitlines()[-1])
        project = Project.objects.get()
        assert set(printed) == {"project", "api_key", "secret_key", "jwt", "jwt_secret"}
        assert (project.slug, project.time_zone, project.strict) == ("game", "Asia/Tokyo", True)
        assert set(project.api_keys.values_list("rate_limit", flat=True)) == {""}

    def test_gives_the_limit_to_all_keys_and_to_tokens(self, db: None) -> None:
        call_command("create_project", "game", "--rate-limit", "50/s", "--json")

        project = Project.objects.get()
        assert set(project.api_keys.values_list("rate_limit", flat=True)) == {"50/s"}
        assert project.token_rate_limit == "50/s"

    @pytest.mark.parametrize(
        "arguments",
        [
            ["shop"],
            ["two words"],
            ["x" * 51],
            ["game", "--time-zone", "Europe/Nowhere"],
            ["game", "--rate-limit", "fast"],
        ],
    )
    @pytest.mark.usefixtures("shop")
    def test_is_refused_with_a_reason(self, arguments: list[str]) -> None:
        with pytest.raises(CommandError, match=r"\w"):
            call_command("create_project", *arguments, "--json")

        assert Project.objects.count() == 1
