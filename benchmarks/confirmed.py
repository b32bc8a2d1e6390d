"""What confirmed brands add: recall of BRAND, quoted and unquoted, before and after `ner brands confirm`.

The model tags the articles, the register lists its brands, and a reviewer who makes no mistake confirms
those that are brands in the articles' gold labels. The articles are then tagged again with these names.
"""

import tempfile
from collections import Counter
from pathlib import Path

import ner
from ner import corpus
from ner.article import Article
from ner.batch.ends import model_key
from ner.brands import Reader, update
from ner.brands.facts import bare
from ner.brands.forms import QUOTES, key_of
from ner.brands.names import house_names, lines
from ner.places import Linker, shipped
from ner.store import CONFIRM, Said, Store


def measure(model: str, files: list[Path]) -> None:
    """Print a row for each state: precision, recall and F1 of BRAND, recall by whether it is quoted."""
    reader = Reader(Linker(shipped()))
    for file in files:
        gold = list(corpus.read([file]))
        plain = ner.load(model)
        before = list(plain.tag(article.text for article in gold))
        with tempfile.TemporaryDirectory() as folder:
            with Store(f"sqlite:///{folder}/s.db", create=True) as store:
                found = [
                    Article(str(number), article.text, spans=tuple(spans))
                    for number, (article, spans) in enumerate(zip(gold, before))
                ]
                list(store.add(found))
                store.write_results(store.start_run(model_key(plain)), found)
                [*_] = update(store, reader)
                brands = {
                    key_of(bare(article.surface(span)))
                    for article in gold
                    for span in article.spans
                    if span.label == "BRAND"
                }
                entries = store.entries("brand")
                for entry in entries:
                    if brands & set(store.forms("brand", entry.key)):
                        store.judge("brand", entry.key, CONFIRM, Said("oracle"))
                names = house_names(store)
                listed = Path(folder) / "names.tsv"
                listed.write_text("".join(lines(names)), encoding="utf-8")
            after = list(ner.load(model, names=str(listed)).tag(article.text for article in gold))
        print(f"{file.name}: {len(entries)} brands in the register, {len(names)} confirmed")
        for state, tagged in (("before", before), ("after", after)):
            print(
                f"| {model} | {file.parent.name}/{file.name} | {state} | {_row(gold, tagged)} |",
                flush=True,
            )


def _row(gold: list[Article], tagged: list) -> str:  # type: ignore[type-arg]
    counts: Counter[str] = Counter()
    for article, spans in zip(gold, tagged):
        right = {(s.start, s.end) for s in article.spans if s.label == "BRAND"}
        found = {(s.start, s.end) for s in spans if s.label == "BRAND"}
        counts["found"] += len(found)
        for start, end in right:
            quoted = QUOTES.get(article.text[start - 1 : start]) == article.text[end : end + 1]
            quoted = quoted or article.text[start : start + 1] in QUOTES
            kind = "quoted" if quoted else "unquoted"
            counts[kind] += 1
            counts[f"{kind} found"] += (start, end) in found
    hits = counts["quoted found"] + counts["unquoted found"]
    precision = hits / max(1, counts["found"])
    recall = hits / max(1, counts["quoted"] + counts["unquoted"])
    f1 = 2 * precision * recall / max(1e-9, precision + recall)
    shares = " | ".join(
        f"{counts[f'{kind} found']}/{counts[kind]}" for kind in ("quoted", "unquoted")
    )
    return f"{100 * precision:.1f} | {100 * recall:.1f} | {100 * f1:.1f} | {shares}"
