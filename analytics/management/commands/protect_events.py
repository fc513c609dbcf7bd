"""`protect_events`: what was stored before its field became personal, masked or hashed."""

from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from analytics import erasing
from events.metadata import write_json
from events.models import MetadataField, Project


class Command(BaseCommand):
    help = (
        "Mask or hash the values of personal fields in all that was stored before the fields were "
        "marked: events, statistics, refused payloads. It can't be undone; run it again if it was "
        "interrupted."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--project", metavar="SLUG", required=True, help="of this project")
        parser.add_argument(
            "--field", metavar="EVENT.FIELD", help="of this field alone, such as sign_up.email"
        )

    def handle(self, *_: Any, **options: Any) -> None:
        project = Project.objects.filter(slug=options["project"]).first()
        if project is None:
            raise CommandError(f"There is no project “{options['project']}”.")
        erased = erasing.erase(project, _fields(project, options["field"]))
        self.stdout.write(write_json(asdict(erased)).decode())


def _fields(project: Project, wanted: str | None) -> list[MetadataField]:
    personal = MetadataField.objects.filter(event_type__project=project, personal=True)
    found = list(personal.select_related("event_type__project").order_by("event_type_id", "id"))
    if wanted is None:
        return found
    # An event type's name may hold dots, as a field's may.
    named = [field for field in found if f"{field.event_type.name}.{field.name}" == wanted]
    if not named:
        raise CommandError(f"The project has no personal field “{wanted}”.")
    return named
