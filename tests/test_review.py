"""What people decided becomes training data, and a worse model is not put in use."""

import itertools
import json
from dataclasses import replace
from pathlib import Path

import pytest
from conftest import ROOT, copy_model, make_article

from ner import corpus
from ner.annotation import review
from ner.article import Article, Span
from ner.errors import NerError
from ner.evaluation.evaluate import compare
from ner.store import Store
from ner.tagger import checksums
from ner.tagger.loading import load
from ner.tagger.registry import find_model, user_models

SHIPPED = find_model()
ARTICLES = list(itertools.islice(corpus.read([ROOT / "data/annotations/test.jsonl"]), 20))
PLACE = Span(8, 11, "LOC")


def confused(folder: Path, *, version: str = "9.0", name: str = "news") -> Path:
    """The shipped model with its labels exchanged."""
    copy_model(SHIPPED, folder, version=version, name=name)
    path = folder / "span_tagger/settings.json"
    settings = json.loads(path.read_text())
    first, *others = settings["labels"]
    path.write_text(json.dumps({**settings, "labels": [*others, first]}))
    checksums.write(folder)
    return folder


@pytest.fixture
def url(tmp_path: Path) -> str:
    """A store of four articles, of which two were reviewed as a whole."""
    url = f"sqlite:///{tmp_path}/a.db"
    with Store(url, create=True) as store:
        list(store.add(make_article(number) for number in range(4)))
        for number in (0, 2):
            store.decide(make_article(number, spans=(PLACE,)), "陈")
    return url


def test_the_gate_compares_with_the_model_in_use_and_refuses_a_worse_one(tmp_path: Path) -> None:
    folder = confused(tmp_path / "run")
    candidate = review.candidate(folder, ARTICLES)
    assert candidate.comparison and not candidate.in_use
    assert candidate.comparison.a.folder == SHIPPED
    assert candidate.comparison.b.folder == folder
    assert candidate.comparison.articles == len(ARTICLES)
    tagged = [list(load(model).tag(a.text for a in ARTICLES)) for model in (SHIPPED, folder)]
    assert candidate.comparison.rows == compare(ARTICLES, *tagged)
    assert {"LOC", "ORG", "all", "outermost"} <= set(candidate.worse)
    with pytest.raises(NerError, match=r"worse than news on .*LOC.*, so it was not promoted"):
        review.promote(candidate)
    assert find_model() == SHIPPED and not (user_models() / "news-9.0").exists()
    assert review.promote(candidate, override=True) == user_models() / "news-9.0" == find_model()
    # The better of the two may take its place again without a word.
    back = review.candidate(SHIPPED, ARTICLES)
    assert back.comparison and back.comparison.a.version == "9.0" and back.worse == []
    review.promote(back)
    assert load().hash == load(SHIPPED).hash


def test_a_model_in_use_and_the_first_of_a_name_are_compared_with_none(tmp_path: Path) -> None:
    same = review.candidate(SHIPPED, ARTICLES)
    assert (same.in_use, same.comparison, same.worse) == (True, None, [])
    assert review.promote(same) == SHIPPED and not user_models().exists()
    first = review.candidate(confused(tmp_path / "run", name="own"), ARTICLES, "own")
    assert (first.in_use, first.comparison) == (False, None)
    assert review.promote(first) == user_models() / "own-9.0" == find_model("own")


def test_too_few_articles_let_no_model_through(tmp_path: Path) -> None:
    with pytest.raises(NerError, match="3 articles are too few to compare on"):
        review.candidate(confused(tmp_path / "run"), ARTICLES[:3])


def test_reviewed_articles_become_a_training_file(tmp_path: Path, url: str) -> None:
    run = tmp_path / "run"
    made = review.reviewed_corpus(url, run)
    assert (made.path, made.articles, made.held_out) == (run / "reviewed.jsonl", 2, 0)
    taught = list(corpus.read([made.path]))
    assert [article.id for article in taught] == ["article-00000", "article-00002"]
    assert [article.spans for article in taught] == [(PLACE,), (PLACE,)]


def test_articles_kept_for_testing_are_never_taught(tmp_path: Path, url: str) -> None:
    kept = [replace(make_article(2), id="another id, the same text")]
    made = review.reviewed_corpus(url, tmp_path / "run", held_out=kept)
    assert (made.articles, made.held_out) == (1, 1)
    assert [article.id for article in corpus.read([made.path])] == ["article-00000"]
    everything: list[Article] = [make_article(0), make_article(2)]
    with pytest.raises(NerError, match="no reviewed articles but those kept for testing"):
        review.reviewed_corpus(url, tmp_path / "other", held_out=everything)
    assert not (tmp_path / "other/reviewed.jsonl").exists()


def test_a_run_resumes_on_the_data_it_began_with(tmp_path: Path, url: str) -> None:
    before = review.reviewed_corpus(url, tmp_path)
    with Store(url) as store:
        store.decide(make_article(1, spans=(PLACE,)), "陈")
    resumed = review.reviewed_corpus("sqlite:///nowhere.db", tmp_path, begun=True)
    assert (resumed.resumed, resumed.articles) == (True, before.articles)
    # A run that was never begun takes what the store has now.
    assert review.reviewed_corpus(url, tmp_path).articles == 3
