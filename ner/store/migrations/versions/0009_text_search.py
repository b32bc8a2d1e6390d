"""What stands in the texts is found by an index: of three neighbouring characters, on PostgreSQL of two"""

from alembic import op

revision = "0009"
down_revision = "0008"

# Two spaces behind the text, so that its last characters begin three as well.
_ADD = "INSERT INTO texts_index (rowid, text) VALUES (new.article, new.text || '  ');"
_DROP = (
    "INSERT INTO texts_index (texts_index, rowid, text)"
    " VALUES ('delete', old.article, old.text || '  ');"
)
_SQLITE = (
    # It holds no texts and no places in them, only which article has which three characters.
    "CREATE VIRTUAL TABLE texts_index USING fts5("
    "text, content='', columnsize=0, detail=none, tokenize='trigram')",
    "CREATE VIRTUAL TABLE texts_terms USING fts5vocab(texts_index, instance)",
    f"CREATE TRIGGER texts_added AFTER INSERT ON texts BEGIN {_ADD} END",
    f"CREATE TRIGGER texts_dropped AFTER DELETE ON texts BEGIN {_DROP} END",
    f"CREATE TRIGGER texts_changed AFTER UPDATE ON texts BEGIN {_DROP} {_ADD} END",
    "INSERT INTO texts_index (rowid, text) SELECT article, text || '  ' FROM texts",
)
_POSTGRESQL = (
    # Every two neighbours. In plain SQL: pg_trgm finds no two characters, which most names here have, and
    # no Chinese in a database of the locale C, and it is not on every server.
    """
    CREATE FUNCTION ner_pairs(text) RETURNS text[] LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
        SELECT array_agg(one || next) FROM unnest(
            string_to_array(lower($1), NULL), string_to_array(substr(lower($1), 2), NULL)
        ) AS neighbours (one, next) WHERE next IS NOT NULL
    $$
    """,
    "CREATE INDEX ix_texts_pairs ON texts USING gin (ner_pairs(text))",
)


def upgrade() -> None:
    is_postgres = op.get_bind().dialect.name == "postgresql"
    for statement in _POSTGRESQL if is_postgres else _SQLITE:
        op.execute(statement)
