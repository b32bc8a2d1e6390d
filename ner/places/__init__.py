"""Places to the codes of China's divisions, five levels to the village."""

from ner.places.articles import home_of, link_article, link_lines
from ner.places.lexicon import Division, Lexicon, shipped
from ner.places.link import Link, Linker, Mention

__all__ = [
    "Division",
    "Lexicon",
    "Link",
    "Linker",
    "Mention",
    "home_of",
    "link_article",
    "link_lines",
    "shipped",
]
