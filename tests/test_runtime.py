"""What onnxruntime computes in eight bits is what the network computes, within what is stated here."""

import itertools
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from conftest import ROOT

from ner import corpus
from ner.labels import LABELS
from ner.tagger.features import MAX_SPAN_LENGTH, Characters, Ids, pack, pad, round_up
from ner.tagger.registry import find_model
from ner.training import onnx_export, onnx_graph
from ner.training.network import Network, Shape, span_mask
from ner.training.onnx_export import to_onnx

SHAPE = Shape(
    60,
    len(LABELS),
    width=32,
    bigram_buckets=64,
    bigram_width=8,
    trigram_buckets=128,
    trigram_width=8,
    dilations=(1, 2, 4),
    head_width=8,
)
Found = dict[tuple[int, int, int, int], float]


@pytest.fixture
def network() -> Network:
    torch.manual_seed(0)
    made = Network(SHAPE).eval()
    for parameter in made.parameters():  # as after training: no two alike
        parameter.data += 0.05 * torch.randn_like(parameter)
    made.head.bias.data += 5.0
    return made


def rows(*lengths: int) -> list[Ids]:
    rng = np.random.default_rng(1)
    return [rng.integers(3, 60, length).astype(np.int32) for length in lengths]


def run(data: bytes, texts: list[Ids], floor: float = -1000.0) -> Found:
    session = onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"])
    ids, first, end, begin = pack(texts)
    floors = np.full(len(LABELS), floor, np.float32)
    inputs = {"ids": ids, "first": first, "end": end, "floors": floors}
    places, logits = session.run(None, inputs)
    found = {}
    for (label, start, last), logit in zip(places.T.tolist(), logits.tolist()):
        text = int(np.searchsorted(begin, start, side="right")) - 1
        start, last = start - int(begin[text]), last - int(begin[text])
        if start <= last < min(start + MAX_SPAN_LENGTH, len(texts[text])):
            found[text, label, start, last] = logit
    return found


def in_torch(network: Network, texts: list[Ids]) -> Found:
    ids = torch.from_numpy(pad(texts, round_up(max(map(len, texts)), MAX_SPAN_LENGTH)))
    with torch.no_grad():
        scores = network(ids)
    mask = span_mask(ids).expand_as(scores)
    return {
        (text, label, block * MAX_SPAN_LENGTH + start, block * MAX_SPAN_LENGTH + last): scores[
            text, block, label, start, last
        ].item()
        for text, block, label, start, last in mask.nonzero().tolist()
    }


def test_logits_are_the_networks_within_an_eighth_of_their_spread(network: Network) -> None:
    texts = rows(128, 33, 1, 70)
    theirs = in_torch(network, texts)
    ours = run(to_onnx(network, texts), texts)
    assert ours.keys() == theirs.keys()
    apart = np.array([ours[place] - theirs[place] for place in theirs])
    assert np.abs(apart).max() < np.std(list(theirs.values())) / 8


def test_a_fresh_graph_keeps_the_rules_of_onnx(network: Network) -> None:
    onnx.checker.check_model(onnx.load_from_string(to_onnx(network, rows(64))))


def test_the_shipped_graph_keeps_the_rules_of_onnx() -> None:
    onnx.checker.check_model(str(find_model() / "span_tagger/network.onnx"))


def loaded(path: Path) -> Network:
    """The network whose weights an ONNX file holds."""
    shape, tensors = onnx_graph.read(path)
    made = Network(Shape.from_dict(shape)).eval()
    weights = onnx_export.read_weights(tensors, len(shape["dilations"]))
    made.load_state_dict({name: torch.tensor(value) for name, value in weights.items()})
    return made


def test_what_was_written_is_read_back(network: Network, tmp_path: Path) -> None:
    """Each weight to within its eight bits; and written again, the file is the same."""
    file = tmp_path / "network.onnx"
    texts = rows(64)
    file.write_bytes(to_onnx(network, texts))
    again = loaded(file)
    bias = network.head.length_bias + network.head.bias[:, 0]
    assert torch.allclose(again.head.length_bias + again.head.bias[:, 0], bias, atol=1e-5)
    for name, value in again.state_dict().items():
        if "length_bias" not in name and name != "head.bias":
            theirs = network.state_dict()[name]
            assert (value - theirs).abs().max() <= theirs.abs().max() / 200, name
    network.load_state_dict(again.state_dict())
    second = tmp_path / "second.onnx"
    second.write_bytes(to_onnx(network, texts))
    (_, first), (_, last) = onnx_graph.read(file), onnx_graph.read(second)
    for name, value in first.items():
        if name.endswith((".matrix", ".table")):
            assert (value == last[name]).all(), name


def test_the_shipped_graph_is_the_network_of_its_weights() -> None:
    """Activations in eight bits or not: logits differ by less than 1, in the mean by less than 0.2."""
    folder = find_model("news-fast")
    network = loaded(folder / "span_tagger/network.onnx")
    table = Characters.read(folder / "span_tagger/characters.txt")
    texts = [
        table.encode(article.text[:256])
        for article in itertools.islice(corpus.read([ROOT / "data/annotations/dev.jsonl"]), 8)
    ]
    data = (folder / "span_tagger/network.onnx").read_bytes()
    theirs, ours = in_torch(network, texts), run(data, texts, floor=-8.0)
    apart = np.array([logit - theirs[place] for place, logit in ours.items()])
    assert len(apart) > 100
    assert np.abs(apart).max() < 1.0 and np.abs(apart).mean() < 0.2 and abs(apart.mean()) < 0.05


def test_it_gives_what_lies_above_the_floor(network: Network) -> None:
    texts = rows(90)
    data = to_onnx(network, texts)
    everything, above = run(data, texts), run(data, texts, floor=1.0)
    assert above == {place: logit for place, logit in everything.items() if logit > 1.0}
    assert 0 < len(above) < len(everything)


def test_a_texts_numbers_do_not_depend_on_its_neighbours(network: Network) -> None:
    texts = rows(128, 33, 70)
    data = to_onnx(network, texts)
    together = run(data, texts)
    for number, text in enumerate(texts):
        alone = run(data, [text])
        assert alone == {(0, *place[1:]): x for place, x in together.items() if place[0] == number}
