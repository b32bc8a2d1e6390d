"""The benchmark of kinds: its sentences are marked and are not those of training."""

import re
import tomllib

from conftest import ROOT

from benchmarks.kinds import GRAMMAR, KINDS, figure, sentences, table
from ner.corpus import Example
from ner.tagger.loading import Tagger
from ner.training.passages import read_grammar


def test_each_kind_has_different_sentences_with_clean_names() -> None:
    grammar = read_grammar(GRAMMAR)
    for kind in KINDS:
        examples = sentences(grammar, kind, 50)
        assert len({example.text for example in examples}) == len(examples) >= 40
        assert examples == sentences(grammar, kind, 50)
        assert any(example.spans for example in examples) == (kind != "plain_words_in_quotes")
        for example in examples:
            assert not re.search("[<>{}#|]", example.text)
            names = [example.text[span.start : span.end] for span in example.spans]
            assert all(name == name.strip(" \u3000、，。“”") != "" for name in names)


def test_no_sentence_of_training_is_in_the_benchmark() -> None:
    def plain(rules: dict[str, str], names: set[str]) -> set[str]:
        lines = {line for name in names for line in rules[name].strip().split("\n")}
        return {re.sub(r"<\w+ |>|\{[^}]*\}", "_", line) for line in lines}

    ours = tomllib.loads(GRAMMAR.read_text(encoding="utf-8"))["rules"]
    training = tomllib.loads((ROOT / "configs/grammars/training.toml").read_text("utf-8"))["rules"]
    assert not plain(ours, set(KINDS)) & plain(training, set(training))


def test_the_figure_is_strict_f1_or_the_share_left_unmarked(tagger: Tagger) -> None:
    text = "重庆市渝北区人民法院昨天公开审理此案。"
    right = Example(text, tuple(tagger(text)))
    assert figure(tagger, [right]) == 1.0
    assert figure(tagger, [Example("今天下雨了。", ()), Example(text, ())]) == 0.5
    missed = Example(text, right.spans[:1])
    assert figure(tagger, [missed]) == 2 / (1 + len(right.spans))
    lines = table([tagger], 2)
    assert len(lines) == 2 + len(KINDS) and all(line.count("|") == 4 for line in lines)
