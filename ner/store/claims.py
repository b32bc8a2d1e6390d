"""Sharing the work: stretches of articles handed out to taggers, on one machine or on many.

A model's row says up to which article all has been handed out, so that what is left is found by its
number and not by looking at every article. A claim is a stretch that somebody has in hand; when its
results are written it ends in the same transaction. What a claim leaves untagged, since its holder ended
or it was released, goes to the quarantine and is tried again from there, an article at a time, so that
one that ends every process that tags it takes no other with it.

This holds since articles become visible in the order of their numbers (`versions.lock_store`) and no
number is given twice.
"""

import datetime
import os
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from ner.article import Article, Rejected
from ner.store import quarantine as failed
from ner.store.runs import ModelKey, Run, model_number, untagged
from ner.store.schema import articles, claims, models, now, quarantine, tagged

LEASE = datetime.timedelta(minutes=30)
"""How long a claim is somebody's: far longer than tagging one takes. That a process of this machine ended
is known at once."""


ENDED = "the process that tagged it ended"
"""Why articles are in the quarantine that a tagger had in hand when it was killed."""


@dataclass(frozen=True, slots=True)
class Claim:
    """Articles that are somebody's to tag; can be pickled.

    Args:
        number: of the table `claims`.
        first: the number of the first article of the stretch.
        last: that of the last one.
        articles: those to tag, without spans; one whose row is damaged is a `Rejected`.
    """

    number: int
    first: int
    last: int
    articles: tuple[Article | Rejected, ...] = ()


def claim(connection: Connection, run: Run, size: int, characters: int) -> Claim | None:
    """Take the next articles in hand: new ones, then those that could not be tagged before.

    Args:
        size: the most articles.
        characters: the most code points of text, of more than one article.

    Returns:
        The stretch, without its articles; None where nothing is left that nobody has in hand.
    """
    query = sa.select(models.c.claimed_to).where(models.c.number == run.model)
    # One at a time; but others may go on writing spans of this model.
    claimed_to = connection.scalar(query.with_for_update(key_share=True))
    assert claimed_to is not None  # `start_run` made it
    for row in _open_claims(connection, run.model):
        if row.until < now() or _has_ended(row.holder):
            failed.set_aside(connection, row, ENDED, tries=1)
    stretch = _next_stretch(connection, run, claimed_to, size, characters)
    stretch = stretch or failed.next_to_retry(connection, run)
    if stretch is None:
        return None
    holder = f"{socket.gethostname()} {os.getpid()}"
    values = {"model": run.model, "run": run.number, "holder": holder, "until": now() + LEASE}
    added = claims.insert().values(first=stretch[0], last=stretch[1], **values)
    number = connection.scalar(added.returning(claims.c.number))
    assert number is not None  # it was just written
    return Claim(number, *stretch)


def release(connection: Connection, claim: Claim) -> None:
    """Give a claim back without results, as when the user interrupts.

    Its articles wait for whoever comes next, in the quarantine, with no try counted.
    """
    row = connection.execute(sa.select(claims).where(claims.c.number == claim.number)).first()
    if row is not None:
        failed.set_aside(connection, row, "was not reached", tries=0)


def release_all(connection: Connection, run: Run) -> int:
    """Give back all claims of a run whose taggers have all ended, wherever they were; how many."""
    rows = [row for row in _open_claims(connection, run.model) if row.run == run.number]
    for row in rows:
        failed.set_aside(connection, row, ENDED, tries=1)
    return len(rows)


def tag_again(connection: Connection, model: ModelKey) -> None:
    """Have a model tag all articles again. Until it has, each keeps the spans that it has."""
    number = model_number(model).scalar_subquery()
    connection.execute(tagged.delete().where(tagged.c.model == number))
    connection.execute(quarantine.delete().where(quarantine.c.model == number))
    connection.execute(models.update().where(models.c.number == number).values(claimed_to=0))


def finish(connection: Connection, claim: Claim) -> None:
    """End a claim whose results were just written, in their transaction."""
    row = connection.execute(sa.select(claims).where(claims.c.number == claim.number)).first()
    if row is not None:
        failed.set_aside(connection, row, "the tagger gave no result for it", tries=1)


def in_hand(claim: Claim, run: Run) -> sa.ColumnElement[bool]:
    """A condition on `articles`: in the claim's stretch, and not tagged yet."""
    return untagged(run.model, claim.first, claim.last)


def count_claimed(connection: Connection, model: ModelKey) -> int:
    """How many claims on a model's work are open, of whomever."""
    number = model_number(model).scalar_subquery()
    query = sa.select(sa.func.count()).select_from(claims)
    return connection.scalar(query.where(claims.c.model == number)) or 0


def count_untagged(connection: Connection, model: ModelKey) -> int:
    """How many articles a model has not tagged: new, in somebody's hands, or in the quarantine."""
    row = connection.execute(
        sa.select(models.c.number, models.c.claimed_to).where(
            models.c.number == model_number(model).scalar_subquery()
        )
    ).first()
    new = sa.select(sa.func.count()).select_from(articles)
    if row is None:
        return connection.scalar(new) or 0
    count = connection.scalar(new.where(untagged(row.number, row.claimed_to + 1))) or 0
    for each in _open_claims(connection, row.number):
        held = untagged(row.number, each.first, each.last)
        count += connection.scalar(new.where(held, ~failed.is_set_aside(row.number))) or 0
    waiting = sa.select(sa.func.count()).select_from(quarantine)
    waiting = waiting.where(
        quarantine.c.model == row.number, quarantine.c.article <= row.claimed_to
    )
    return count + (connection.scalar(waiting) or 0)


def _next_stretch(
    connection: Connection, run: Run, claimed_to: int, size: int, characters: int
) -> tuple[int, int] | None:
    """The first and the last number of new articles; notes that they are handed out."""
    query = sa.select(articles.c.number, articles.c.length).order_by(articles.c.number)
    query = query.where(untagged(run.model, claimed_to + 1)).limit(size)
    rows = connection.execute(query).all()
    taken, held = 0, 0
    for row in rows:
        held += row.length
        if taken and held > characters:
            break
        taken += 1
    if taken == size or taken < len(rows):
        last = rows[taken - 1].number
    else:  # all that there is
        last = connection.scalar(sa.select(sa.func.max(articles.c.number))) or 0
    if last > claimed_to:
        moved = models.update().where(models.c.number == run.model)
        connection.execute(moved.values(claimed_to=last))
    return (claimed_to + 1, last) if taken else None


def _open_claims(connection: Connection, model: int) -> Sequence[Any]:
    query = sa.select(claims).where(claims.c.model == model)
    return connection.execute(query.order_by(claims.c.number)).all()


def _has_ended(holder: str) -> bool:
    """True where the holder was a process of this machine that is there no more."""
    host, _, pid = holder.rpartition(" ")
    if host != socket.gethostname() or os.name != "posix":
        return False
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except (PermissionError, ValueError):
        return False
    return False
