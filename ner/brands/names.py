"""Brands that people confirmed, as a word list for the tagger: it finds them without quotation marks too."""

from collections.abc import Iterator, Mapping, Sequence

from ner.brands.facts import bare
from ner.brands.forms import key_of
from ner.store import CONFIRM, REJECT, Store

LONGEST = 32  # code points: no model finds longer ones
SHORTEST = 2
_MARKS = str.maketrans("", "", "\t\r\n")


def house_names(store: Store) -> dict[str, list[str]]:
    """Name to its other forms, without quotation marks, of the brands that people confirmed.

    Confirmed in the register, or with a span that reviewers called right; without those rejected.
    """
    verdicts = store.verdicts("brand")
    said = [key for key, verdict in verdicts.items() if verdict == CONFIRM]
    keys = dict.fromkeys([*said, *(key_of(bare(name)) for name in store.right_names("BRAND"))])
    found: dict[str, list[str]] = {}
    for key in keys:
        entry = store.entry("brand", key)
        if entry is None or verdicts.get(entry.key) == REJECT:
            continue
        counted = store.aspects("brand", [entry.key], ("name",))[entry.key]["name"]
        forms = [form for form in counted if SHORTEST <= len(form) <= LONGEST]
        if entry.name in forms:
            found[entry.name] = sorted(
                (form for form in forms if form != entry.name), key=lambda f: (-counted[f], f)
            )
    return found


def lines(names: Mapping[str, Sequence[str]]) -> Iterator[str]:
    """The lines of a file for `ner tag --names`: name, label, aliases."""
    for name, aliases in names.items():
        fields = [name, "BRAND", *aliases]
        yield "\t".join(field.translate(_MARKS) for field in fields) + "\n"
