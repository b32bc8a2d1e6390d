import numpy as np
import pytest
import torch

from ner.article import Span
from ner.corpus import Example
from ner.labels import LABELS
from ner.tagger.features import MAX_SPAN_LENGTH, PAD, Characters
from ner.training.batches import make_batches
from ner.training.network import Network, Shape, band_mask, span_loss

SHAPE = Shape(
    60,
    len(LABELS),
    width=16,
    bigram_buckets=64,
    bigram_width=8,
    trigram_buckets=128,
    trigram_width=8,
    dilations=(1, 2),
    head_width=8,
)


@pytest.fixture
def network() -> Network:
    torch.manual_seed(0)
    made = Network(SHAPE).eval()
    for parameter in made.parameters():  # as after training: no two alike
        parameter.data += 0.05 * torch.randn_like(parameter)
    made.head.bias.data += 4.0
    return made


def random_ids(*lengths: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(1)
    ids = torch.randint(
        3, 60, (len(lengths), 4 * MAX_SPAN_LENGTH), generator=generator, dtype=torch.int32
    )
    for row, length in enumerate(lengths):
        ids[row, length:] = PAD
    return ids


def test_padding_and_neighbours_change_nothing(network: Network) -> None:
    ids = random_ids(40, 128)
    together = network(ids)[:1, :2]
    alone = network(ids[:1, : 2 * MAX_SPAN_LENGTH])
    mask = band_mask(ids[:1, : 2 * MAX_SPAN_LENGTH])
    assert torch.allclose(together * mask, alone * mask, atol=1e-6)


def test_what_lies_further_than_its_reach_changes_nothing(network: Network) -> None:
    ids = random_ids(128)
    other = ids.clone()
    at = 64
    other[0, at] = 3 + (other[0, at] + 1) % 50
    changed = (network.encoder(ids) != network.encoder(other)).any(dim=-1)[0].nonzero().flatten()
    assert changed.min() == at - SHAPE.reach
    assert changed.max() == at + SHAPE.reach


TABLE = Characters(tuple("南岸区政府“一表通”晴雨好人民在里的。"))


def batch_of(example: Example) -> tuple[torch.Tensor, torch.Tensor]:
    [batch] = make_batches(
        [example], TABLE, np.random.default_rng(0), labels=LABELS, size=2048, unknown=0.0
    )
    return batch.gold, batch.known


def spans_in(scores: torch.Tensor) -> set[Span]:
    return {
        Span(block * MAX_SPAN_LENGTH + start, block * MAX_SPAN_LENGTH + last + 1, LABELS[label])
        for _, block, label, start, last in scores.nonzero().tolist()
    }


def test_gold_stands_where_candidates_are_read() -> None:
    text = "的" * 30 + "南岸区政府" + "的" * 40
    spans = {Span(30, 35, "ORG"), Span(30, 33, "LOC")}
    gold, known = batch_of(Example(text, tuple(spans)))
    assert spans_in(gold) == spans
    assert spans_in(known) == {
        Span(start, end, label)
        for label in LABELS
        for start in range(len(text))
        for end in range(start + 1, min(start + MAX_SPAN_LENGTH, len(text)) + 1)
    }


def test_of_a_quoted_string_only_what_overlaps_it_is_known_and_only_as_a_brand() -> None:
    text = "在“一表通”里"
    gold, known = batch_of(Example(text, (Span(2, 5, "BRAND"),), known=(2, 5)))
    assert spans_in(gold) == {Span(2, 5, "BRAND")}
    assert spans_in(known) == {
        Span(start, end, "BRAND") for start in range(5) for end in range(3, 8) if end > start
    }


def test_the_loss_looks_only_at_what_is_known() -> None:
    scores = torch.zeros(1, 1, 1, 1, 4)
    gold, known = torch.tensor([1.0, 0, 0, 0]), torch.tensor([True, True, False, False])
    loss = span_loss(scores, gold.view_as(scores), known.view_as(scores), 2)
    assert loss.item() == pytest.approx(np.log(2))
