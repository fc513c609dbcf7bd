"""The staff's pages of what is earned, or was refused: rules to ledger, and the quarantine."""

from rewards.admin.customers import CustomerAdmin
from rewards.admin.definitions import RuleAdmin, StreakAdmin
from rewards.admin.events import EventAdmin
from rewards.admin.merges import IdentityClaimAdmin, MergeAdmin
from rewards.admin.quarantine import QuarantineAdmin
from rewards.admin.transfers import TransferAdmin

__all__ = [
    "CustomerAdmin",
    "EventAdmin",
    "IdentityClaimAdmin",
    "MergeAdmin",
    "QuarantineAdmin",
    "RuleAdmin",
    "StreakAdmin",
    "TransferAdmin",
]
