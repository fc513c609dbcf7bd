"""The staff's pages of what is earned: rules, streaks, customers, events, the ledger."""

from rewards.admin.customers import CustomerAdmin
from rewards.admin.definitions import RuleAdmin, StreakAdmin
from rewards.admin.events import EventAdmin
from rewards.admin.transfers import TransferAdmin

__all__ = ["CustomerAdmin", "EventAdmin", "RuleAdmin", "StreakAdmin", "TransferAdmin"]
