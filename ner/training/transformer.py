"""Any Hugging Face encoder in place of ours, with the same head and the same character table.

A token is one code point; a character that the encoder's vocabulary lacks is its unknown token.
"""

import io
import warnings
from typing import Any

import torch
from torch import Tensor, nn

from ner.errors import NerError, first_line, missing_extra
from ner.tagger.features import MAX_SPAN_LENGTH, PAD, SPECIAL_IDS, UNKNOWN, Characters
from ner.training.network import Candidates, Network, Shape


class Transformer(nn.Module):
    """Ids ``(batch, length)`` to vectors ``(batch, length, width)``, like `network.Encoder`.

    Args:
        model: a Hugging Face encoder.
        tokens: for every id of the character table, the encoder's own.
        first: the token that the encoder expects before a text.
    """

    def __init__(self, model: Any, tokens: Tensor, first: int) -> None:
        super().__init__()
        self.model = model
        self.first = first
        self.tokens: Tensor
        self.register_buffer("tokens", tokens, persistent=False)

    def forward(self, ids: Tensor) -> Tensor:
        """Padding is masked; the end token that some encoders expect after a text is omitted."""
        tokens = nn.functional.pad(self.tokens[ids.long()], (1, 0), value=self.first)
        mask = nn.functional.pad((ids != PAD).long(), (1, 0), value=1)
        hidden: Tensor = self.model(input_ids=tokens, attention_mask=mask).last_hidden_state
        return hidden[:, 1:]


def make_network(encoder: str, characters: Characters, labels: int, dropout: float) -> Network:
    """A network around a Hugging Face encoder given by name or local path.

    Raises:
        NerError: it cannot be read or fetched.
    """
    try:
        from transformers import AutoModel, AutoTokenizer
    except ImportError:
        raise missing_extra("transformers", "train,transformer") from None
    try:
        tokenizer = AutoTokenizer.from_pretrained(encoder)
        model = AutoModel.from_pretrained(encoder, hidden_dropout_prob=dropout)
    except (OSError, ValueError, TypeError) as error:
        raise NerError(
            f"the encoder cannot be read: {first_line(error)}",
            where=encoder,
            remedy="name a folder that holds config, weights and vocabulary, or go online",
        ) from None
    tokens = _tokens(tokenizer, characters)
    module = Transformer(model.float(), tokens, tokenizer.cls_token_id or 0)
    shape = Shape(len(characters), labels, width=model.config.hidden_size)
    return Network(shape, encoder=module)


def _tokens(tokenizer: Any, characters: Characters) -> Tensor:
    """The encoder's token for each id: that of the first character of its row that is in the vocabulary."""
    known = tokenizer.get_vocab()
    tokens = torch.full((len(characters),), tokenizer.unk_token_id or 0)
    tokens[PAD] = tokenizer.pad_token_id or 0
    tokens[UNKNOWN] = tokenizer.unk_token_id or 0
    for number, row in enumerate(characters.rows, SPECIAL_IDS):
        tokens[number] = next((known[c] for c in row if c in known), tokens[UNKNOWN])
    return tokens


def to_onnx(network: Network) -> bytes:
    """`Candidates` as an ONNX file's bytes in single precision: int32 ``ids`` and ``floors`` in."""
    file = io.BytesIO()
    with warnings.catch_warnings():
        # The exporter by tracing is deprecated for one that needs onnxscript.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            Candidates(network).eval(),
            (
                torch.full((2, 2 * MAX_SPAN_LENGTH), UNKNOWN, dtype=torch.int32),
                torch.zeros(network.shape.labels),
            ),
            file,  # type: ignore[arg-type]  # a file works, though the annotation lacks it
            input_names=["ids", "floors"],
            output_names=["places", "logits"],
            dynamic_axes={
                "ids": {0: "batch", 1: "length"},
                "places": {1: "found"},
                "logits": {0: "found"},
            },
            opset_version=17,
            dynamo=False,
        )
    return file.getvalue()
