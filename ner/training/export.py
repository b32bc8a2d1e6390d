"""A trained network becomes a model folder: thresholds and calibration from dev, eight bits."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from ner.corpus import Example
from ner.evaluation.score import best_threshold, calibrate
from ner.files import replacing
from ner.tagger import checksums
from ner.tagger.component import SpanTagger
from ner.tagger.features import MAX_SPAN_LENGTH, Characters, Ids, pad, round_up
from ner.tagger.loading import make_pipeline
from ner.tagger.pieces import stack
from ner.tagger.runtime import Logits
from ner.tagger.settings import Settings
from ner.training import onnx_export, piece_onnx, transformer
from ner.training.network import Candidates, Encoder
from ner.training.pretrained_encoder import PieceNetwork, SpanNetwork


def write_model(
    name: str,
    version: str,
    characters: Characters,
    network: SpanNetwork,
    dev: Sequence[Example],
    folder: Path,
    *,
    labels: Sequence[str],
    data: Mapping[str, str],
    license: str,
) -> None:
    """Write a model folder, its scores calibrated on dev; the folder appears whole or not at all.

    Args:
        data: what it was trained on: files with their SHA-256.
        license: what its ``meta.json`` says; whoever trains a model chooses.
    """
    network = network.eval()
    settings = run_settings(network, labels)
    onnx = _runtime(network, [characters.encode(example.text) for example in dev])
    component = SpanTagger()
    low = settings.model_copy(update={"thresholds": dict.fromkeys(labels, _LOWEST)})
    component.load_network(low, characters, onnx, network.pieces)
    thresholds = _thresholds(component, dev)
    decided = settings.model_copy(update={"thresholds": thresholds})
    component.load_network(decided, characters, onnx, network.pieces)
    fitted = {"thresholds": thresholds, "calibration": _calibration(component, dev)}
    component.load_network(settings.model_copy(update=fitted), characters, onnx, network.pieces)
    nlp = make_pipeline(name, version, component, license=license)
    nlp.meta["data"] = dict(data)
    with replacing(folder) as written:
        nlp.to_disk(written)
        checksums.write(written)


def run_settings(network: SpanNetwork, labels: Sequence[str]) -> Settings:
    """How a network is to be run: with windows as long as it can see, or as its reach asks for."""
    if isinstance(network, PieceNetwork):
        return Settings(labels=tuple(labels), core=384, context=64, pieces=True)
    if not isinstance(network.encoder, Encoder):
        # These see 512 tokens at most.
        return Settings(labels=tuple(labels), core=320, context=64)
    context = max(64, round_up(network.shape.receptive_radius + MAX_SPAN_LENGTH, 32))
    return Settings(labels=tuple(labels), context=context)


def _runtime(network: SpanNetwork, texts: Sequence[Ids]) -> bytes:
    """The network as onnxruntime runs it."""
    if isinstance(network, PieceNetwork):
        return piece_onnx.to_onnx(network)
    if not isinstance(network.encoder, Encoder):
        return transformer.to_onnx(network)
    return onnx_export.to_onnx(network, texts)


def candidates(network: SpanNetwork) -> Any:
    """A network as `SpanTagger` runs one."""
    module = Candidates(network).eval()

    def run(rows: Sequence[Any], floors: Logits) -> tuple[Any, Any]:
        texts = [row.ids for row in rows] if network.pieces else rows
        length = round_up(max(map(len, texts)), MAX_SPAN_LENGTH)
        arrays = [pad(texts, length), floors, *(stack(rows, length) if network.pieces else ())]
        with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
            places, logits = module(*map(torch.from_numpy, arrays))
        return places.numpy(), logits.float().numpy()

    return run


_LOWEST = -4.0  # the lowest logit that `_thresholds` looks at
# Names of a label in dev to set its threshold, or its calibration, by. By 20 one loses up to 6 points of F1.
_ENOUGH = 100


def _thresholds(component: SpanTagger, dev: Sequence[Example]) -> dict[str, float]:
    """The `best_threshold` of each label on dev; 0, where training puts it, with too few names there."""
    thresholds = {}
    for label, pairs in _found(component, dev).items():
        gold = sum(span.label == label for example in dev for span in example.spans)
        known = gold >= _ENOUGH and any(right for _, right in pairs)
        thresholds[label] = best_threshold(*_columns(pairs), gold) if known else 0.0
    return thresholds


def _calibration(component: SpanTagger, dev: Sequence[Example]) -> dict[str, tuple[float, float]]:
    """Fit each label's calibration on the logits of what the component finds in dev."""
    found = _found(component, dev)
    everything = [pair for pairs in found.values() for pair in pairs]
    return {
        label: calibrate(*_columns(pairs if len(pairs) >= _ENOUGH else everything))
        for label, pairs in found.items()
        if everything
    }


def _found(component: SpanTagger, dev: Sequence[Example]) -> dict[str, list[tuple[float, bool]]]:
    """By label: the logit of every span that a component finds, and whether it is right."""
    pairs: dict[str, list[tuple[float, bool]]] = {label: [] for label in component.settings.labels}
    logits = component.stream_logits(example.text for example in dev)
    for example, found in zip(dev, logits, strict=True):
        gold = set(example.spans)
        for span, logit in found:
            pairs[span.label].append((logit, span in gold))
    return pairs


def _columns(pairs: Sequence[tuple[float, bool]]) -> tuple[list[float], list[bool]]:
    return [logit for logit, _ in pairs], [right for _, right in pairs]
