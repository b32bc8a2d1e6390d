"""The article store: every table and every SQL statement."""

from ner.store.accounts import ROLES, Account
from ner.store.actions import Action, Change, Conflict, Decision, Review, Standing, Undone
from ner.store.adding import Added
from ner.store.alike import Alike, Reach
from ner.store.articles import Filters, Summary
from ner.store.claims import ENDED, Claim
from ner.store.comparing import LabelChange, ModelDifference
from ner.store.decisions import Said
from ner.store.drawing import KINDS, Watch
from ner.store.finding import Name, Page
from ner.store.history import RunSummary
from ner.store.independent import Versions
from ner.store.new_names import RECENT, NewName
from ner.store.quarantine import MAX_TRIES, Quarantined
from ner.store.queues import Queue
from ner.store.register.edits import CONFIRM, DIVIDE, REJECT, Edit
from ner.store.register.lists import Entry, Place, Trend
from ner.store.register.update import Facts, KeyFacts, Mark, MarkedArticle
from ner.store.review_store import ReviewStore
from ner.store.reviewed import Judged
from ner.store.run_report import UNSURE, LabelCount, RunName, RunNames, UnsureSpan
from ner.store.runs import ModelKey, ModelUse, Run
from ner.store.searching import around, occurrences
from ner.store.store import Store
from ner.store.upkeep import Info
from ner.store.urls import safe_url
from ner.store.verdicts import RIGHT, WRONG
from ner.store.versions import Upgraded, upgrade

__all__ = [
    "CONFIRM",
    "DIVIDE",
    "ENDED",
    "KINDS",
    "MAX_TRIES",
    "RECENT",
    "REJECT",
    "RIGHT",
    "ROLES",
    "UNSURE",
    "WRONG",
    "Account",
    "Action",
    "Added",
    "Alike",
    "Change",
    "Claim",
    "Conflict",
    "Decision",
    "Edit",
    "Entry",
    "Facts",
    "Filters",
    "Info",
    "Judged",
    "KeyFacts",
    "LabelChange",
    "LabelCount",
    "Mark",
    "MarkedArticle",
    "ModelDifference",
    "ModelKey",
    "ModelUse",
    "Name",
    "NewName",
    "Page",
    "Place",
    "Quarantined",
    "Queue",
    "Reach",
    "Review",
    "ReviewStore",
    "Run",
    "RunName",
    "RunNames",
    "RunSummary",
    "Said",
    "Standing",
    "Store",
    "Summary",
    "Trend",
    "Undone",
    "UnsureSpan",
    "Upgraded",
    "Versions",
    "Watch",
    "around",
    "occurrences",
    "safe_url",
    "upgrade",
]
