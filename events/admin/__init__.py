"""The staff's pages of what happens: projects, keys, catalogue, refusals."""

from events.admin.catalogue import EventTypeAdmin
from events.admin.projects import ApiKeyAdmin, ProjectAdmin
from events.admin.quarantine import QuarantineAdmin
from events.admin.users import UserAdmin

__all__ = ["ApiKeyAdmin", "EventTypeAdmin", "ProjectAdmin", "QuarantineAdmin", "UserAdmin"]
