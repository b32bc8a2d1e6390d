"""The part of `Store` for taggers: runs, claims, results, and what could not be tagged."""

import logging
from collections.abc import Iterable, Sequence
from dataclasses import replace

from sqlalchemy.engine import Connection

from ner.article import Article, Rejected
from ner.store import articles as queries
from ner.store import claims, failures, quarantine, results, runs
from ner.store.claims import Claim
from ner.store.opened import Opened, reads, writes
from ner.store.runs import ModelKey, Run
from ner.store.schema import articles

CLAIM = 16  # articles in a claim, at most
CLAIM_CHARACTERS = 200_000  # code points in a claim of several articles, at most

_LOG = logging.getLogger(__name__)


class Tagging(Opened):
    """Several taggers, on one machine or on many, share the work by claims."""

    start_run = writes(runs.start_run)
    finish_run = writes(runs.finish_run)

    def claim(
        self, run: Run, *, size: int = CLAIM, characters: int = CLAIM_CHARACTERS
    ) -> Claim | None:
        """Take the next articles to tag in hand, which no other tagger gets meanwhile.

        First come those that were never handed out, then, one at a time, those in the quarantine that this
        run has not tried and that were not tried too often. `write_results` ends the claim. A claim whose
        process ended (known at once on the same machine, after half an hour on others) goes to the
        quarantine, and so to somebody else.

        Args:
            size: the most articles.
            characters: the most code points of text, of more than one article.

        Returns:
            None where nothing is left but what others have in hand, see `count_claimed`.
        """
        while True:
            found = self._write(lambda connection: claims.claim(connection, run, size, characters))
            if found is None:
                return None
            if to_tag := self._claimed(found, run):
                return replace(found, articles=tuple(to_tag))
            # All were deleted, or tagged by somebody who was thought to have ended.
            self.release(found)

    def _claimed(self, claim: Claim, run: Run) -> Sequence[Article | Rejected]:
        query = queries.select_articles().where(claims.in_hand(claim, run))

        def read(connection: Connection) -> list[Article | Rejected]:
            rows = connection.execute(query.order_by(articles.c.number))
            return [queries.build_article(row) for row in rows]

        return self._read(read)

    release = writes(claims.release)
    release_all = writes(claims.release_all)
    tag_again = writes(claims.tag_again)
    count_claimed = reads(claims.count_claimed)
    count_untagged = reads(claims.count_untagged)

    def write_results(
        self, run: Run, found: Iterable[Article | Rejected], *, claim: Claim | None = None
    ) -> list[Rejected]:
        """Write the spans of tagged articles, with their rows of ``tagged``, in one transaction.

        The spans that this model found in an article before are replaced. What could not be tagged is kept
        in the quarantine.

        Args:
            claim: the claim that these are the results of, which ends with them.

        Returns:
            What could not be written, and why, for example an article whose text was replaced meanwhile.
        """
        found = list(found)

        def work(connection: Connection) -> list[Rejected]:
            refused = results.write_results(connection, run, found)
            if claim:
                claims.finish(connection, claim)
            return refused

        refused = self._write(work)
        _LOG.debug("run %d: stored the results of %d articles", run.number, len(found))
        return refused

    quarantined = reads(quarantine.quarantined)
    count_tried_enough = reads(quarantine.count_tried_enough)
    retry_failed = writes(quarantine.retry_failed)
    models = reads(runs.list_models)
    latest_models = reads(runs.latest_models)

    def failures(self) -> list[Rejected]:
        """What could not be read, then what could not be tagged, oldest first."""

        def read(connection: Connection) -> list[Rejected]:
            untagged = [each.to_rejected() for each in quarantine.quarantined(connection)]
            return failures.list_failures(connection) + untagged

        return self._read(read)

    def find_model(self, name: str = "") -> ModelKey | None:
        """The model that tagged something last, of those with this name, or name and version.

        Of all models where the name is empty; None where none has tagged anything.
        """
        for key in self._read(runs.latest_models):
            if name in ("", key.name, str(key)):
                return key
        return None
