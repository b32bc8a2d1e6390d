"""spaCy's tokenizer for a pipeline of ours: one token a code point."""

from typing import Any

from spacy.language import Language
from spacy.tokens import Doc
from spacy.util import DummyTokenizer, registry
from spacy.vocab import Vocab


@registry.tokenizers("ner.characters.v1")  # type: ignore[untyped-decorator]
def make_tokenizer() -> Any:
    """What spaCy's config names the tokenizer by."""
    return CharacterTokenizer


class CharacterTokenizer(DummyTokenizer):
    """One token a code point, white space too, so that token and code point offsets agree."""

    def __init__(self, nlp: Language) -> None:
        self.vocab: Vocab = nlp.vocab

    def __call__(self, text: str) -> Doc:
        return Doc(self.vocab, words=list(text), spaces=[False] * len(text))
