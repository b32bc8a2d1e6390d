"""Entries of a register to a file: JSONL, CSV, Excel, Parquet, and JSON-LD in the words of schema.org.

An entry is a row as `ner.brands.rows` gives it. Written only.
"""

import io
import json
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any

from ner.errors import missing_extra
from ner.formats.rows import dump
from ner.formats.source import Part
from ner.formats.table import Cells, csv_parts, xlsx_parts

Row = Mapping[str, Any]
FORMS = ("jsonl", "csv", "xlsx", "parquet", "jsonld")
_TEXTS = ("key", "name", "variants", "kind", "owner", "place_code", "place")
COLUMNS = (*_TEXTS[:4], "first", "last", "articles", "mentions", *_TEXTS[4:])
"""Of CSV, Excel and Parquet. Variants are parted by `` | ``, in Parquet a list."""
_WIDTHS = {1: 24, 2: 40, 8: 28, 10: 28}
_ROWS = 5000  # of a row group
# The type of schema.org that fits each kind, and each sort of body that has one of its own.
_TYPES = {"brand": "Service", "organisation": "Organization", "place": "AdministrativeArea"}
_BODIES = {
    "government": "GovernmentOrganization",
    "court": "GovernmentOrganization",
    "company": "Corporation",
    "school": "EducationalOrganization",
    "hospital": "Hospital",
    "media": "NewsMediaOrganization",
}


def write_entries(form: str, kind: str, rows: Iterable[Row]) -> Iterator[Part]:
    """The bytes of a file of entries.

    Args:
        form: one of `FORMS`.
        kind: ``brand``, ``organisation`` or ``place``.

    Raises:
        NerError: the library of the form is not installed.
    """
    if form == "jsonl":
        return (Part(dump(row).encode()) for row in rows)
    if form == "jsonld":
        return _json_ld(kind, rows)
    if form == "parquet":
        return _parquet(rows)
    cells = map(_cells, rows)
    if form == "csv":
        return csv_parts(COLUMNS, cells)
    return xlsx_parts(COLUMNS, cells, widths=_WIDTHS)


def _flat(row: Row) -> dict[str, Any]:
    place = row.get("place") or {}
    flat = {**row, "place_code": place.get("code"), "place": " ".join(place.get("path", []))}
    return {name: flat.get(name) for name in COLUMNS}


def _cells(row: Row) -> Cells:
    flat = {**_flat(row), "variants": " | ".join(row["variants"])}
    return tuple("" if flat[name] is None else flat[name] for name in COLUMNS)


def _parquet(rows: Iterable[Row]) -> Iterator[Part]:
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError:
        raise missing_extra("pyarrow", "parquet") from None
    types = dict.fromkeys(COLUMNS, pa.string()) | {"variants": pa.list_(pa.string())}
    types |= {"articles": pa.int64(), "mentions": pa.int64()}
    schema = pa.schema([(name, types[name]) for name in COLUMNS])
    file = io.BytesIO()
    with pq.ParquetWriter(file, schema, compression="zstd") as writer:
        left = iter(rows)
        while some := list(islice(left, _ROWS)):
            writer.write_table(pa.Table.from_pylist(list(map(_flat, some)), schema=schema))
    yield Part(file.getvalue())


def _json_ld(kind: str, rows: Iterable[Row]) -> Iterator[Part]:
    """One object, whose ``@graph`` holds an entry a line."""
    yield Part(b'{"@context": "https://schema.org", "@graph": [\n')
    separator = ""
    for row in rows:
        yield Part((separator + json.dumps(_linked(kind, row), ensure_ascii=False)).encode())
        separator = ",\n"
    yield Part(b"\n]}\n")


def _linked(kind: str, row: Row) -> dict[str, Any]:
    names = [name for name in row["variants"] if name != row["name"]]
    node: dict[str, Any] = {
        "@id": f"urn:ner:{kind}:{row['key']}",
        "@type": _BODIES.get(row.get("kind", ""), _TYPES[kind]),
        "name": row["name"],
        "alternateName": names,
    }
    place = row.get("place")
    if kind == "place":
        node["identifier"] = _code(row["key"])
        above = place["path"][:-1] if place else []
        if above:
            node["containedInPlace"] = {"@type": "AdministrativeArea", "name": "".join(above)}
    elif place:
        where = {
            "@type": "AdministrativeArea",
            "name": "".join(place["path"]),
            "identifier": _code(place["code"]),
        }
        node["location" if kind == "organisation" else "areaServed"] = where
    if row.get("kind", "other") != "other":
        node["category"] = row["kind"]
    if row.get("owner"):
        node["provider"] = {"@type": "Organization", "name": row["owner"]}
    properties = (
        ("firstSeen", row["first"]),
        ("lastSeen", row["last"]),
        ("articles", row["articles"]),
        ("mentions", row["mentions"]),
    )
    node["additionalProperty"] = [
        {"@type": "PropertyValue", "name": name, "value": value}
        for name, value in properties
        if value is not None
    ]
    return {name: value for name, value in node.items() if value not in ([], None)}


def _code(code: str) -> dict[str, str]:
    return {"@type": "PropertyValue", "propertyID": "GB/T 2260", "value": code}
