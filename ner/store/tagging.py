"""The part of `Store` for taggers: runs, claims, results, and what could not be tagged."""

import logging
from collections.abc import Iterable, Sequence
from dataclasses import replace

from sqlalchemy.engine import Connection

from ner.article import Article, Rejected
from ner.store import articles as queries
from ner.store import claims, failures, quarantine, results, runs
from ner.store.claims import Claim
from ner.store.opened import Opened
from ner.store.quarantine import Quarantined
from ner.store.runs import ModelKey, ModelUse, Run
from ner.store.schema import articles

CLAIM = 16  # articles in a claim, at most
CLAIM_CHARACTERS = 200_000  # code points in a claim of several articles, at most

_LOG = logging.getLogger(__name__)


class Tagging(Opened):
    """Several taggers, on one machine or on many, share the work by claims."""

    def start_run(self, model: ModelKey) -> Run:
        """Add a run of a model."""
        return self._write(lambda connection: runs.start_run(connection, model))

    def finish_run(self, run: Run) -> None:
        """Note that a run came to its end."""
        self._write(lambda connection: runs.finish_run(connection, run))

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
            self.release(
                found
            )  # all were deleted, or tagged by somebody who was thought to have ended

    def _claimed(self, claim: Claim, run: Run) -> Sequence[Article | Rejected]:
        query = queries.select_articles().where(claims.in_hand(claim, run))

        def read(connection: Connection) -> list[Article | Rejected]:
            rows = connection.execute(query.order_by(articles.c.number))
            return [queries.build_article(row) for row in rows]

        return self._read(read)

    def release(self, claim: Claim) -> None:
        """Give a claim back without results, as when the user interrupts; its articles wait for others."""
        self._write(lambda connection: claims.release(connection, claim))

    def release_all(self, run: Run) -> int:
        """Give back all claims of a run whose taggers have all ended, wherever they were; how many."""
        return self._write(lambda connection: claims.release_all(connection, run))

    def tag_again(self, model: ModelKey) -> None:
        """Have a model tag all articles again. Until it has, each keeps the spans that it has."""
        self._write(lambda connection: claims.hand_out_again(connection, model))

    def count_claimed(self, model: ModelKey) -> int:
        """How many claims on the work of a model are open, of whomever."""
        return self._read(lambda connection: claims.count_claimed(connection, model))

    def count_untagged(self, model: ModelKey) -> int:
        """How many articles a model has not tagged: new, in somebody's hands, or in the quarantine."""
        return self._read(lambda connection: claims.count_untagged(connection, model))

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

    def quarantined(self, model: ModelKey | None = None) -> list[Quarantined]:
        """The articles that a model, or any, could not tag, in the order they were added."""
        return self._read(lambda connection: quarantine.quarantined(connection, model))

    def count_tried_enough(self, model: ModelKey) -> int:
        """How many articles a model has tried so often that it does so no more by itself."""
        return self._read(lambda connection: quarantine.count_tried_enough(connection, model))

    def retry_failed(self, model: ModelKey) -> int:
        """Have all articles that a model could not tag tried again, however often they were; how many."""
        return self._write(lambda connection: quarantine.forgive(connection, model=model))

    def models(self) -> list[ModelUse]:
        """The models that have tagged something, the one that did so last first."""
        return self._read(runs.list_models)

    def latest_models(self) -> list[ModelKey]:
        """The same without counting what each has tagged."""
        return self._read(runs.latest_models)

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
