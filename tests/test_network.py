import numpy as np
import pytest
import torch

from ner.article import Span
from ner.corpus import Example
from ner.labels import LABELS
from ner.tagger.features import MAX_SPAN_LENGTH, PAD, UNKNOWN, Characters
from ner.training.batches import make_batches
from ner.training.network import Network, Shape, span_loss, span_mask

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
    mask = span_mask(ids[:1, : 2 * MAX_SPAN_LENGTH])
    assert torch.allclose(together * mask, alone * mask, atol=1e-6)


def test_characters_beyond_the_receptive_field_change_nothing(network: Network) -> None:
    ids = random_ids(128)
    other = ids.clone()
    at = 64
    other[0, at] = 3 + (other[0, at] + 1) % 50
    changed = (network.encoder(ids) != network.encoder(other)).any(dim=-1)[0].nonzero().flatten()
    assert changed.min() == at - SHAPE.receptive_radius
    assert changed.max() == at + SHAPE.receptive_radius


TABLE = Characters(tuple("南岸区政府“一表通”晴雨好人民在里的。"))


def batch_of(example: Example) -> tuple[torch.Tensor, torch.Tensor]:
    [batch] = make_batches(
        [example], TABLE, np.random.default_rng(0), labels=LABELS, size=2048, unknown=0.0
    )
    return batch.gold, batch.mask


def spans_in(scores: torch.Tensor) -> set[Span]:
    return {
        Span(block * MAX_SPAN_LENGTH + start, block * MAX_SPAN_LENGTH + last + 1, LABELS[label])
        for _, block, label, start, last in scores.nonzero().tolist()
    }


def test_gold_is_where_candidates_are_read() -> None:
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


def test_the_loss_ignores_what_the_mask_leaves_out() -> None:
    scores = torch.zeros(1, 1, 1, 1, 4)
    gold, known = torch.tensor([1.0, 0, 0, 0]), torch.tensor([True, True, False, False])
    loss = span_loss(scores, gold.view_as(scores), known.view_as(scores), 2)
    assert loss.item() == pytest.approx(np.log(2))


def test_padding_and_a_windows_context_are_not_learnt() -> None:
    """Of two texts in a batch the shorter one is padded; of a long text each span is known once."""
    texts = ["南岸区", "的" * 40, "在里。" * 200]
    batches = make_batches(
        [Example(text, ()) for text in texts],
        TABLE,
        np.random.default_rng(0),
        labels=("LOC",),
        size=100_000,
        unknown=0.0,
    )
    [batch] = batches
    assert (batch.ids[:, -1] == PAD).any()
    known = sum(
        min(MAX_SPAN_LENGTH, len(text) - start) for text in texts for start in range(len(text))
    )
    assert batch.mask.sum().item() == known
    assert not (batch.mask & ~span_mask(batch.ids)).any()


def test_unknown_characters_are_a_fraction_and_those_of_a_batch_always_the_same() -> None:
    examples = [Example("南岸区政府" * 20, ())] * 20
    batches = make_batches(
        examples, TABLE, np.random.default_rng(0), labels=LABELS, size=500, unknown=0.25
    )
    ids = torch.cat([batch.ids for batch in batches])
    unknown = (ids == UNKNOWN).sum() / (ids != PAD).sum()
    assert len(batches) > 1 and 0.2 < unknown < 0.3
    assert torch.equal(batches[1].ids, batches[1].ids)
    assert not torch.equal(batches[0].ids, batches[1].ids)
