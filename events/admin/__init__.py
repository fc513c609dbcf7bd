"""The staff's pages of what happens: projects, keys, catalogue."""

from events.admin.catalogue import EventTypeAdmin
from events.admin.keys import ApiKeyAdmin
from events.admin.projects import ProjectAdmin
from events.admin.users import UserAdmin

__all__ = ["ApiKeyAdmin", "EventTypeAdmin", "ProjectAdmin", "UserAdmin"]
