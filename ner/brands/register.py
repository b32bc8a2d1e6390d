"""The register of a store, for people and programs: its entries as rows, with whose and where they are.

Names with and without the noun that says their kind (渝快办, 渝快办平台) are one brand, and so is the short
form of a name that never stands in an article without it. Whose a brand is and where it is at home is told by
what stands near it.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import Any

from ner.article import Article
from ner.brands.facts import NEAR, Reader, marked_article, sentence_at
from ner.errors import NerError
from ner.places import Linker, Mention
from ner.places.lexicon import CODE_LENGTHS, is_filler
from ner.store import Entry, Mark, MarkedArticle, Said, Store

Row = dict[str, Any]
KINDS = ("brand", "organisation", "place")
LEAST_OWNER = 0.5  # of a brand's weight in all its articles: less is nobody's
PLACE_SHARE = 0.5  # of the weight of a brand's places, and of its articles: else it has no home
PLACES = 12  # of a brand's places, the weightiest are linked together
PAGE = 500  # entries read at once
EVIDENCE = 60  # articles looked through for sentences
SHOWN = 3  # sentences of each kind


@dataclass(frozen=True, slots=True)
class Evidence:
    """A sentence of an article; offsets are code points into its text, half-open.

    Args:
        start: of the sentence.
        mention: where the entry stands in it.
        other: where what it speaks for stands: the owner, the place; None if it only shows the entry.
    """

    article: str
    title: str
    paper: str
    date: str | None
    start: int
    end: int
    mention: tuple[int, int]
    other: tuple[int, int] | None
    text: str


def update(store: Store, reader: Reader, part: str = "names") -> Iterator[tuple[int, int]]:
    """Bring a store's register up to date; yields how much is done of how much, as it goes."""
    return store.update_register(part, reader.names if part == "names" else reader.places)


def divide(store: Store, reader: Reader, key: str, by: str, said: Said) -> int:
    """Split a brand off that has the same key as another; the number of the edit.

    Args:
        by: the code of the place, or the key of the organisation, that it is of; see `Reader`.

    Raises:
        NerError: there is no such brand, place or organisation, or it was split off so already.
    """
    if by.isdecimal() and not reader.linker.lexicon.upper(by):
        raise NerError(f"there is no division {by}", remedy="ner places list lists those named")
    if not by.isdecimal() and not store.entry("organisation", by):
        raise NerError(f"{by} is not in the register", remedy="ner organisations lists it")
    number = store.divide(key, by, said)
    [*_] = update(store, reader)
    return number


def rows(store: Store, linker: Linker, entries: Sequence[Entry]) -> Iterator[Row]:
    """A row an entry, in their order: name, variants, kind, first, last, counts, owner, place."""
    for page in _pages(entries):
        kind = page[0].kind
        keys = [each.key for each in page]
        wanted = ("variant", "body", "place", "place_in", "name", "short")
        counted = store.aspects(kind, keys, wanted)
        owners = _owners(store, page, {key: counted[key]["body"] for key in keys})
        for entry in page:
            aspects = counted[entry.key]
            row: Row = {
                "name": entry.name,
                "variants": variants(kind, aspects),
                "kind": entry.sort or "other",
                "first": entry.first.isoformat() if entry.first else None,
                "last": entry.last.isoformat() if entry.last else None,
                "articles": entry.articles,
                "mentions": entry.mentions,
            }
            if kind == "brand":
                row["owner"] = owners.get(entry.key, (None, None))[1]
                row["place"] = _home(entry.total, aspects, linker)
            else:
                row["place"] = place_of_code(linker, entry.key.partition("|")[0])
            if kind == "place":
                del row["kind"]
            yield {**row, "key": entry.key}


def _pages(entries: Sequence[Entry]) -> Iterator[Sequence[Entry]]:
    return (entries[start : start + PAGE] for start in range(0, len(entries), PAGE))


def variants(kind: str, aspects: Mapping[str, Mapping[str, int]]) -> list[str]:
    """The forms of an entry, the most frequent first."""
    if kind == "organisation":
        return _ranked({**aspects["name"], **aspects["short"]})
    return _ranked(aspects["variant"])


def describe(store: Store, reader: Reader, entry: Entry) -> Row:
    """All that is known of an entry: its row, and counts by month and paper, evidence, neighbours, edits."""
    kind, key = entry.kind, entry.key
    [row] = rows(store, reader.linker, [entry])
    counted = store.aspects(kind, [key], ("variant", "name", "short", "sort"))[key]
    months: Counter[str] = Counter()
    papers: Counter[str] = Counter()
    for (month, paper), count in store.months_and_papers(kind, key).items():
        months[month] += count
        papers[paper] += count
    row["variants"] = {
        name: (counted["variant"] or {**counted["name"], **counted["short"]})[name]
        for name in row["variants"]
    }
    row["months"] = dict(sorted(months.items()))
    row["papers"] = dict(sorted(papers.items(), key=lambda item: (-item[1], item[0])))
    row["forms"] = store.forms(kind, key)
    row["evidence"] = {
        what: [asdict(each) for each in found]
        for what, found in evidence(store, reader, entry, row).items()
    }
    row["related"] = {
        other: [
            {"key": near.key, "name": near.name, "articles": count}
            for near, count in store.neighbours(kind, key, other)
        ]
        for other in KINDS
    }
    row["edits"] = [
        {
            **{"number": each.number, "verdict": each.verdict, "key": each.key},
            **{"other": each.other, "reviewer": each.reviewer, "stands": each.stands},
            "at": each.at.isoformat(timespec="seconds"),
        }
        for each in store.edits(kind, row["forms"])
    ]
    return row


def evidence(store: Store, reader: Reader, entry: Entry, row: Row) -> dict[str, list[Evidence]]:
    """Sentences that tell whose a brand is and where, and others that show it; from the newest articles.

    Args:
        row: its row, see `rows`.
    """
    found: dict[str, list[Evidence]] = {"owner": [], "place": [], "contexts": []}
    keys = set(store.forms(entry.kind, entry.key))
    owner = _owner_key(store, entry)
    code = (row.get("place") or {}).get("code", "") if entry.kind == "brand" else ""
    divided = store.divided()
    ids = [each.id for each in store.places_of(entry.kind, entry.key, limit=EVIDENCE)]
    for some in (ids[begin : begin + 10] for begin in range(0, len(ids), 10)):
        newest = {id: place for place, id in enumerate(some)}
        items = [item for item in store.articles(ids=some) if isinstance(item, Article)]
        for article in sorted(items, key=lambda item: newest[item.id]):
            marked = marked_article(article, divided)
            for what, each in _sentences(reader, article, marked, entry.kind, keys, owner, code):
                if len(found[what]) < SHOWN:
                    found[what].append(each)
        if all(len(found[what]) >= SHOWN for what in found if what != "place" or code):
            break
    return found


def _sentences(
    reader: Reader,
    article: Article,
    marked: MarkedArticle,
    kind: str,
    keys: set[str],
    owner: str | None,
    code: str,
) -> Iterator[tuple[str, Evidence]]:
    """At most one sentence of an article for each of owner, place and contexts."""
    bodies = reader.body_keys(marked) if owner else {}
    linked = reader.place_codes(marked) if code else []
    seen: set[str] = set()
    for mark, key in reader.mentions(marked, kind):
        if key not in keys:
            continue
        start, end = sentence_at(article.text, mark.start, mark.end)
        inside = [one for one in marked.marks if start <= one.start and one.end <= end]
        owners = [
            other
            for other in inside
            if other.label == "ORG"
            and bodies.get(other.surface, other.surface) == owner
            and not (other.start <= mark.start and mark.end <= other.end)
        ]
        homes = [other for other, there in linked if there.startswith(code) and other in inside]
        found: list[tuple[str, list[Mark | None]]] = [
            ("owner", [*owners] if owner else []),
            ("place", [*homes] if code else []),
            ("contexts", [None]),
        ]
        for what, others in found:
            if others and what not in seen:
                seen.add(what)
                yield what, _evidence(article, start, end, mark, others[0])


def _evidence(article: Article, start: int, end: int, mark: Mark, other: Mark | None) -> Evidence:
    return Evidence(
        article.id,
        article.title,
        article.paper,
        article.date.isoformat() if article.date else None,
        start,
        end,
        (mark.start, mark.end),
        (other.start, other.end) if other else None,
        article.text[start:end],
    )


def _owner_key(store: Store, entry: Entry) -> str | None:
    if entry.kind != "brand":
        return None
    bodies = store.aspects("brand", [entry.key], ("body",))[entry.key]["body"]
    return _owners(store, [entry], {entry.key: bodies}).get(entry.key, (None, None))[0]


def _owners(
    store: Store, entries: Sequence[Entry], bodies: Mapping[str, Mapping[str, int]]
) -> dict[str, tuple[str, str]]:
    """Key and name of the body that stands nearest to each brand most often.

    One that stands by every brand counts less.
    """
    spread = store.spread("brand", "body", {body for found in bodies.values() for body in found})
    chosen: dict[str, str] = {}
    for entry in entries:
        weigh = {
            body: weight / math.sqrt(spread.get(body, 1))
            for body, weight in bodies.get(entry.key, {}).items()
        }
        body = min(weigh, key=lambda each: (-weigh[each], -len(each), each), default=None)
        if body is not None and bodies[entry.key][body] >= LEAST_OWNER * NEAR * entry.total:
            chosen[entry.key] = body
    names = store.entry_names("organisation", chosen.values())
    return {key: (body, names.get(body) or body) for key, body in chosen.items()}


def _home(articles: int, aspects: Mapping[str, Mapping[str, int]], linker: Linker) -> Row | None:
    """The division that most of a brand's places lie in, in half of its articles, down to the county."""
    places, held_in = aspects["place"], aspects["place_in"]
    texts = tuple(sorted(_ranked(places)[:PLACES]))
    weights: dict[str, int] = defaultdict(int)
    most: dict[str, int] = defaultdict(int)  # in how many articles one of its places stands
    total: dict[int, int] = defaultdict(int)  # of the places that are as small, or smaller
    for text, code in zip(texts, _codes(linker, texts)):
        if code:
            for size in CODE_LENGTHS[:3]:
                if size <= len(code):
                    total[size] += places[text]
                    weights[code[:size]] += places[text]
                    most[code[:size]] = max(most[code[:size]], held_in[text])
    most = {code: most[code] for code in weights if weights[code] >= PLACE_SHARE * total[len(code)]}
    held = [code for code in most if most[code] >= PLACE_SHARE * articles]
    if not held:
        return None
    code = min(held, key=lambda code: (-len(code), -weights[code], code))
    division = linker.lexicon.upper(code)
    return place_of_code(linker, code[:2] if division and is_filler(division) else code)


def place_of_code(linker: Linker, code: str) -> Row | None:
    """A division as code and path; None where there is none of that code."""
    division = linker.lexicon.upper(code) if code else None
    return {"code": division.code, "path": linker.lexicon.path(division)} if division else None


@lru_cache(maxsize=1024)
def _codes(linker: Linker, texts: tuple[str, ...]) -> list[str | None]:
    """Codes of places that stand together; the brands of one article share them."""
    return [found.best.code for found in linker.link([Mention(0, len(t), t) for t in texts])]


def _ranked(counts: Mapping[str, int]) -> list[str]:
    """The most frequent first; of as frequent ones the first by code point."""
    return sorted(counts, key=lambda value: (-counts[value], value))
