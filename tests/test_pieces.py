"""The pretrained encoder: its file, pieces aligned with characters, network, and tagging with it."""

import json
import random
import struct
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch

from ner.errors import NerError
from ner.tagger.component import SpanTagger
from ner.tagger.features import MAX_SPAN_LENGTH, Characters
from ner.tagger.loading import load
from ner.tagger.pieces import PIECE_FIRST, PIECE_LAST, PIECE_PAD, PIECE_UNKNOWN, PieceRow, Pieces
from ner.tagger.runtime import Runtime
from ner.tagger.settings import Settings
from ner.training import e5, onnx_graph, piece_onnx
from ner.training.config import (
    DataConfig,
    E5Encoder,
    PretrainConfig,
    PretrainedEncoder,
    Schedule,
    TrainConfig,
    TrainedModels,
)
from ner.training.config_file import read_config
from ner.training.initial import make_network, start_files
from ner.training.pretrain import PretrainStep, pretrain
from ner.training.pretrained_encoder import (
    EncoderShape,
    PieceEncoder,
    PieceNetwork,
    e5_weights,
)
from ner.training.train import Epoch, train

VOCABULARY = {
    "▁": -2.0, "▁重庆": -9.0, "重庆": -5.0, "重": -7.0, "庆": -7.5, "市": -5.5, "市民": -6.0,
    "民": -6.5, "政": -8.0, "民政": -6.2, "局": -6.0, ",": -3.0, "kg": -8.0, "k": -9.0, "2": -6.0,
}  # fmt: skip
PIECES = Pieces(
    tuple(VOCABULARY), tuple(VOCABULARY.values()), {"，": ",", "㎏": "kg", "\u200b": "", "\n": " "}
)
TABLE = Characters(tuple("重庆市民政局，在开会"))
TEXT = "重庆市民政局在开会，重庆市民在开会。" * 5


def strings(pieces: Pieces, text: str) -> list[str]:
    ids = pieces.encode(text).ids.tolist()
    return [pieces.pieces[k - 4] if k != PIECE_UNKNOWN else "?" for k in ids]


def test_a_character_is_cut_as_the_first_of_its_row() -> None:
    row = PieceRow.of("重慶市", Characters(("重", "庆慶", "市")), PIECES)
    assert row.ids.tolist() == [3, 4, 5]
    assert row.segmented.ids.tolist() == PIECES.encode("重庆市").ids.tolist()


def test_the_cut_with_the_highest_score_is_taken() -> None:
    # 市民政局 could be 市民·政·局 (-20) or 市·民政·局 (-17.7).
    assert strings(PIECES, "重庆市民政局") == ["▁", "重庆", "市", "民政", "局"]


def test_segmentation_is_that_of_the_tokenizers_library() -> None:
    tokenizers = pytest.importorskip("tokenizers")
    vocabulary = [("<unk>", 0.0), *VOCABULARY.items()]
    theirs = tokenizers.Tokenizer(tokenizers.models.Unigram(vocabulary, unk_id=0))
    rng = random.Random(1)
    for _ in range(200):
        text = "".join(rng.choices("重庆市民政局k2,", k=rng.randint(1, 12)))
        ends = [end - 1 for _, end in theirs.encode("▁" + text).offsets]
        piece = PIECES.encode(text).piece
        edges = [*(np.flatnonzero(np.diff(piece)) + 1).tolist(), len(text)]
        assert edges == [end for end in ends if end], text


@pytest.mark.parametrize(
    ("text", "piece", "place"),
    [
        ("重庆市", [1, 1, 2], [0, 1, 0]),
        ("2㎏，", [1, 2, 3], [0, 0, 0]),  # ㎏ is one character and the piece kg
        ("重\u200b庆", [1, 1, 1], [0, 0, 1]),  # what is deleted belongs to what goes before it
        ("市  \n市", [1, 2, 2, 2, 3], [0, 0, 0, 0, 0]),  # one ▁ for white space in a row
        (" 市", [0, 1], [0, 0]),  # the ▁ before a text is the blank at its beginning
        ("", [], []),
        ("\ud800市", [1, 2], [0, 0]),
    ],
)
def test_every_character_has_its_piece_and_place(
    text: str, piece: list[int], place: list[int]
) -> None:
    segmented = PIECES.encode(text)
    assert segmented.piece.tolist() == piece
    assert segmented.place.tolist() == place


def test_pieces_are_read_as_they_were_written() -> None:
    assert Pieces.from_bytes(PIECES.to_bytes()) == PIECES


@pytest.mark.parametrize("data", [b"", b"[]", b'{"pieces": ["a"], "scores": [], "normalised": {}}'])
def test_damaged_pieces_are_an_error(data: bytes) -> None:
    with pytest.raises(NerError, match="cannot read the pieces"):
        Pieces.from_bytes(data)


WIDTH, INNER, LAYERS, POSITIONS = 64, 128, 2, 40
STRINGS = ["<s>", "<pad>", "</s>", "<unk>", *VOCABULARY]


def packed(matrix: np.ndarray) -> tuple[bytes, np.ndarray]:
    """A matrix in four bits, and the values that it then has."""
    blocks = matrix.reshape(-1, 32)
    scales = (np.abs(blocks).max(axis=1) / 7).astype(np.float16)
    whole = np.rint(blocks / scales.astype(np.float32)[:, None]).astype(np.int8) + 8
    low, high = np.split(whole.astype(np.uint8), 2, axis=1)
    data = b"".join(s.tobytes() + n.tobytes() for s, n in zip(scales, low | high << 4))
    values = (whole - 8).astype(np.float32) * scales.astype(np.float32)[:, None]
    return data, values.reshape(matrix.shape)


def write_e5(path: Path) -> dict[str, np.ndarray]:
    """A small encoder in the file's format, in a wheel; the tensors that it holds."""
    rng = np.random.default_rng(0)
    shapes = {
        "emb.word": (len(STRINGS), WIDTH), "emb.pos": (POSITIONS, WIDTH), "emb.type": (2, WIDTH),
        "emb.ln.w": (WIDTH,), "emb.ln.b": (WIDTH,),
    }  # fmt: skip
    for number in range(LAYERS):
        for name in ("q", "k", "v", "ao"):
            shapes |= {f"l{number}.{name}.w": (WIDTH, WIDTH), f"l{number}.{name}.b": (WIDTH,)}
        for name in ("aln", "oln"):
            shapes |= {f"l{number}.{name}.w": (WIDTH,), f"l{number}.{name}.b": (WIDTH,)}
        shapes |= {f"l{number}.fi.w": (INNER, WIDTH), f"l{number}.fi.b": (INNER,)}
        shapes |= {f"l{number}.fo.w": (WIDTH, INNER), f"l{number}.fo.b": (WIDTH,)}
    tensors, stored, index = {}, b"", []
    for name, shape in shapes.items():
        values = rng.normal(0, 0.3, shape).astype(np.float32)
        is_matrix = name == "emb.word" or (len(shape) == 2 and name.startswith("l"))
        data, tensors[name] = packed(values) if is_matrix else (values.tobytes(), values)
        index.append((name.encode(), is_matrix, values.size, len(stored), len(data)))
        stored += data
    blob = [string.encode() for string in STRINGS]
    offsets = np.cumsum([0, *map(len, blob)])
    normal = b"".join(
        struct.pack(f"<IB{len(new)}I", ord(old), len(new), *map(ord, new))
        for old, new in PIECES.normalised.items()
    )
    head = b"E5S1" + struct.pack("<I7i", 1, WIDTH, LAYERS, 4, INNER, len(STRINGS), POSITIONS, 2)
    head += struct.pack("<fi5iQ", 1e-12, 32, len(STRINGS), 0, 2, 1, 3, sum(map(len, blob)))
    head += offsets.astype("<u4").tobytes()
    head += np.array([0.0] * 4 + list(VOCABULARY.values()), "<f4").tobytes() + b"".join(blob)
    head += struct.pack("<iI", len(PIECES.normalised), len(normal)) + normal
    head += struct.pack("<i", len(index))
    begin = len(head) + sum(2 + len(name) + 21 for name, *_ in index)
    for name, kind, count, offset, size in index:
        head += struct.pack("<H", len(name)) + name
        head += struct.pack("<BIQQ", kind, count, begin + offset, size)
    with zipfile.ZipFile(path, "w") as wheel:
        wheel.writestr(e5.FILE, head + stored)
    return tensors


@pytest.fixture(scope="module")
def pretrained(tmp_path_factory: pytest.TempPathFactory) -> e5.Pretrained:
    path = tmp_path_factory.mktemp("e5") / "small.whl"
    tensors = write_e5(path)
    read = e5.read(path)
    assert read.tensors.keys() == tensors.keys()
    for name, values in tensors.items():
        np.testing.assert_array_equal(read.tensors[name], values, err_msg=name)
    return read


def test_the_encoders_file_is_read(pretrained: e5.Pretrained) -> None:
    assert (pretrained.width, pretrained.layers, pretrained.heads) == (WIDTH, LAYERS, 4)
    assert [string for string, _ in pretrained.pieces] == STRINGS
    assert pretrained.normalised == PIECES.normalised
    assert pretrained.special == (0, 2, 1, 3)


@pytest.mark.parametrize("data", [b"", b"E5S2" + bytes(60), b"E5S1"])
def test_another_file_is_an_error(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "other.bin"
    path.write_bytes(data)
    with pytest.raises(NerError, match="cannot be read"):
        e5.read(path)


def network(pretrained: e5.Pretrained) -> PieceNetwork:
    torch.manual_seed(1)
    shape = EncoderShape(len(PIECES), WIDTH, LAYERS, 4, INNER, POSITIONS)
    made = PieceNetwork(shape, len(TABLE), 4, PIECES).eval()
    made.encoder.load_state_dict(e5_weights(pretrained, PIECES))
    torch.nn.init.normal_(made.head.start.weight, std=0.2)
    torch.nn.init.normal_(made.head.end.weight, std=0.2)
    return made


def test_the_encoder_is_bert(pretrained: e5.Pretrained) -> None:
    transformers = pytest.importorskip("transformers")
    config = transformers.BertConfig(
        vocab_size=len(STRINGS), hidden_size=WIDTH, num_hidden_layers=LAYERS, num_attention_heads=4,
        intermediate_size=INNER, max_position_embeddings=POSITIONS,
    )  # fmt: skip
    bert = transformers.BertModel(config, add_pooling_layer=False).eval()
    weights = {
        "embeddings.word_embeddings.weight": "emb.word",
        "embeddings.position_embeddings.weight": "emb.pos",
        "embeddings.token_type_embeddings.weight": "emb.type",
        "embeddings.LayerNorm.weight": "emb.ln.w",
        "embeddings.LayerNorm.bias": "emb.ln.b",
    }
    parts = {
        "attention.self.query": "q", "attention.self.key": "k", "attention.self.value": "v",
        "attention.output.dense": "ao", "attention.output.LayerNorm": "aln",
        "intermediate.dense": "fi", "output.dense": "fo", "output.LayerNorm": "oln",
    }  # fmt: skip
    for number in range(LAYERS):
        for theirs, ours in parts.items():
            layer = f"encoder.layer.{number}.{theirs}"
            weights |= {
                f"{layer}.weight": f"l{number}.{ours}.w",
                f"{layer}.bias": f"l{number}.{ours}.b",
            }
    bert.load_state_dict({k: torch.from_numpy(pretrained.tensors[v]) for k, v in weights.items()})
    encoder: PieceEncoder = network(pretrained).encoder
    # Ours has padding first and the unknown piece second; see `e5_weights`.
    ours = torch.tensor([[2, 5, 6, 1, 9, 3], [2, 7, 3, 0, 0, 0]])
    theirs = torch.tensor([[0, 5, 6, 3, 9, 2], [0, 7, 2, 1, 1, 1]])
    mask = (ours != PIECE_PAD).long()
    with torch.no_grad():
        expected = bert(input_ids=theirs, attention_mask=mask).last_hidden_state
        got = encoder(ours)
    torch.testing.assert_close(got[mask == 1], expected[mask == 1], rtol=1e-4, atol=1e-4)


def scores_of(made: PieceNetwork, row: PieceRow) -> torch.Tensor:
    inputs = [torch.from_numpy(each)[None] for each in row.inputs().values()]
    with torch.no_grad():
        scores: torch.Tensor = made(*inputs)[0]
    return scores


def test_a_row_has_special_pieces_around_it_and_characters_point_at_theirs() -> None:
    row = PieceRow(TABLE.encode("重庆，"), PIECES.encode("重庆，"))
    inputs = row.inputs()
    assert inputs["pieces"][0] == PIECE_FIRST and inputs["pieces"][-1] == PIECE_LAST
    named = [PIECES.pieces[inputs["pieces"][k] - 4] for k in inputs["piece"][:3]]
    assert named == ["重庆", "重庆", ","]
    assert len(inputs["ids"]) == MAX_SPAN_LENGTH


def test_the_runtimes_logits_are_the_networks(pretrained: e5.Pretrained) -> None:
    made = network(pretrained)
    row = PieceRow(TABLE.encode(TEXT), PIECES.encode(TEXT))
    scores = scores_of(made, row)
    runtime = Runtime(piece_onnx.to_onnx(made), 1)
    places, logits = runtime.candidates([row, row], np.full(4, -1e9, np.float32))
    assert set(places[0]) == {0, 1}
    _, label, start, last = places[:, places[0] == 0]
    block = start // MAX_SPAN_LENGTH
    expected = scores[
        block, label, start - block * MAX_SPAN_LENGTH, last - block * MAX_SPAN_LENGTH
    ].numpy()
    ours = logits[places[0] == 0]
    assert len(expected) >= 4 * len(TEXT) * MAX_SPAN_LENGTH
    assert np.abs(ours - expected).mean() < expected.std() / 8
    np.testing.assert_array_equal(ours, logits[places[0] == 1])


def test_what_was_written_is_read_back(pretrained: e5.Pretrained, tmp_path: Path) -> None:
    """Each weight to within its eight bits; of a matrix by column, of a table by row."""
    made = network(pretrained)
    file = tmp_path / "network.onnx"
    file.write_bytes(piece_onnx.to_onnx(made))
    shape, tensors = onnx_graph.read(file)
    assert shape == made.values
    read = piece_onnx.read_weights(tensors, shape["layers"])
    weights = made.state_dict()
    assert read.keys() == weights.keys()
    bias = weights["head.length_bias"] + weights["head.bias"][:, 0]
    np.testing.assert_allclose(read["head.length_bias"] + read["head.bias"][:, 0], bias, atol=1e-5)
    for name in weights.keys() - {"head.length_bias", "head.bias"}:
        step = np.abs(weights[name].numpy()).max() / 250
        np.testing.assert_allclose(read[name], weights[name], atol=step, err_msg=name)


def tagger(pretrained: e5.Pretrained) -> SpanTagger:
    component = SpanTagger(threads=1)
    settings = Settings(pieces=True, core=64, context=32, thresholds={"PER": -3.0})
    component.load_network(settings, TABLE, piece_onnx.to_onnx(network(pretrained)), PIECES)
    return component


def test_the_component_is_the_same_after_disk_and_bytes(
    pretrained: e5.Pretrained, tmp_path: Path
) -> None:
    component = tagger(pretrained)
    found = component.predict([TEXT, ""])
    assert found[0]
    component.to_disk(tmp_path / "span_tagger")
    for read in (
        SpanTagger().from_disk(tmp_path / "span_tagger"),
        SpanTagger().from_bytes(component.to_bytes()),
    ):
        assert read.hash == component.hash
        assert read.predict([TEXT, ""]) == found
    # Other pieces are another model.
    component.pieces = Pieces(PIECES.pieces, PIECES.scores)
    assert component.hash != read.hash


def test_a_model_without_its_pieces_is_damaged(pretrained: e5.Pretrained, tmp_path: Path) -> None:
    tagger(pretrained).to_disk(tmp_path / "span_tagger")
    (tmp_path / "span_tagger/pieces.json").unlink()
    with pytest.raises(NerError, match=r"pieces\.json"):
        SpanTagger().from_disk(tmp_path / "span_tagger")


def test_the_cut_vocabulary_has_the_pieces_of_the_texts_and_their_rows(
    pretrained: e5.Pretrained,
) -> None:
    pieces = e5.cut(pretrained, ["重庆市民政局"])
    rows = e5.rows(pretrained, pieces)
    # 市民 and kg occur nowhere; single characters stay.
    assert set(pieces.pieces) == {
        *("▁", "重庆", "市", "民政", "局"),
        *("重", "庆", "民", "政", ",", "k", "2"),
    }
    assert rows[:4] == [1, 3, 0, 2]
    assert [STRINGS[row] for row in rows[4:]] == list(pieces.pieces)


@pytest.mark.slow
def test_the_encoder_learns_on_from_raw_texts_and_a_network_starts_from_it(
    pretrained: e5.Pretrained, tmp_path: Path
) -> None:
    torch.set_num_threads(1)
    write_e5(tmp_path / "e5.whl")
    texts = tmp_path / "raw.jsonl"
    rows = ({"id": f"{k}", "text": "重庆市民政局,重庆市民"[k % 3 :]} for k in range(200))
    lines = [*map(json.dumps, rows), "{}"]  # the last is no article, and is left out
    texts.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    TABLE.write(tmp_path / "characters.txt")
    config = PretrainConfig(
        e5=tmp_path / "e5.whl",
        texts=(texts,),
        characters=tmp_path / "characters.txt",
        steps=60,
        block_length=16,
        batch_size=8,
        learning_rate=5e-3,
        device="cpu",
    )
    done = [e for e in pretrain(config, tmp_path / "whole") if isinstance(e, PretrainStep)]
    assert done[-1].masked_loss < done[9].masked_loss - 0.5 and done[-1].tag_loss is None
    # Killed while it learns, it goes on with the same weights in the end.
    begun = pretrain(config, tmp_path / "parts", checkpoint_seconds=0)
    next(event for event in begun if isinstance(event, PretrainStep) and event.number == 20)
    begun.close()
    list(pretrain(config, tmp_path / "parts"))
    saved = [
        torch.load(tmp_path / run / "encoder.pt", weights_only=True)["weights"]
        for run in ("whole", "parts")
    ]
    assert all(torch.equal(value, saved[1][name]) for name, value in saved[0].items())
    training = TrainConfig(
        name="x",
        version="0",
        characters=tmp_path / "characters.txt",
        start=PretrainedEncoder(encoder=tmp_path / "whole/encoder.pt"),
        data=DataConfig(train=(texts,), dev=(texts,)),
    )
    network = make_network(training, TABLE, start_files(training).weights)
    assert isinstance(network, PieceNetwork)
    assert "市民" in network.pieces.pieces and "kg" not in network.pieces.pieces
    before, after = e5_weights(pretrained, network.pieces), network.encoder.state_dict()
    for name, value in before.items():
        stays = name in ("piece.weight", "position.weight")
        assert torch.allclose(after[name], value, atol=2e-3) == stays, name
    (tmp_path / "whole/pieces.json").unlink()
    with pytest.raises(NerError, match=r"encoder.pt: weights do not fit: .*pieces.json"):
        make_network(training, TABLE, start_files(training).weights)


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ('tagged = ["raw.jsonl"]', "leave tagged out for e5"),
        ("block_length = 511", "e5 sees 510 pieces at most"),
    ],
)
def test_what_the_encoder_cannot_learn_is_told(more: str, told: str, tmp_path: Path) -> None:
    for name in ("e5.whl", "raw.jsonl", "characters.txt"):
        (tmp_path / name).touch()
    config = tmp_path / "config.toml"
    config.write_text(
        f'e5 = "e5.whl"\ntexts = ["raw.jsonl"]\ncharacters = "characters.txt"\n{more}\n'
    )
    with pytest.raises(NerError, match=f"config.toml: .*{told}"):
        read_config(config, PretrainConfig)


@pytest.mark.slow
def test_a_model_is_trained_from_the_encoder_and_from_that_model(tmp_path: Path) -> None:
    """A pattern is learnt; the model tags with it from its folder, and training goes on from there."""
    write_e5(tmp_path / "e5.whl")
    rows = [
        {"id": f"{k}", "text": f"在{place}开会。", "spans": [[1, 1 + len(place), "LOC"]]}
        for k, place in enumerate(["重庆市", "重庆", "重民", "庆市", "民庆"] * 8)
    ]
    file = tmp_path / "train.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    TABLE.write(tmp_path / "characters.txt")
    config = TrainConfig(
        name="small",
        version="1",
        characters=tmp_path / "characters.txt",
        start=E5Encoder(e5=tmp_path / "e5.whl", texts=(file,)),
        data=DataConfig(train=(file,), dev=(file,)),
        schedule=Schedule(
            epochs=12, batch_size=256, learning_rate=1e-2, encoder_learning_rate=1e-3, dropout=0.0
        ),
    )
    last = [event for event in train(config, tmp_path / "run") if isinstance(event, Epoch)][-1]
    assert last.dev["all"].f1 > 0.95
    tagger = load(tmp_path / "run/model")
    found = tagger("在重庆市开会。")
    assert [(span.start, span.end, span.label) for span in found] == [(1, 4, "LOC")]
    again = config.model_copy(
        update={
            "start": TrainedModels(models=(str(tmp_path / "run/model"),)),
            "schedule": config.schedule.model_copy(update={"epochs": 0}),
        }
    )
    list(train(again, tmp_path / "again"))
    assert load(tmp_path / "again/model")("在重庆市开会。")[0].text == "重庆市"
