"""The register of brands, organisations and places, and triggers that say which articles to count anew"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"

PARTS = ("names", "places")


def _number() -> sa.types.TypeEngine:
    return sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def _sorted() -> sa.types.TypeEngine:
    return sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def _where(condition: str) -> dict[str, sa.TextClause]:
    return {"sqlite_where": sa.text(condition), "postgresql_where": sa.text(condition)}


def upgrade() -> None:
    op.create_table(
        "register_changes",
        sa.Column("number", _number(), nullable=False),
        sa.Column("part", sa.String(16), nullable=False),
        sa.Column("article", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_register_changes"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_register_changes_part", "register_changes", ["part", "number"])
    op.create_table(
        "register_articles",
        sa.Column("part", sa.String(16), nullable=False),
        sa.Column("article", sa.BigInteger(), nullable=False, autoincrement=False),
        sa.Column("facts", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("part", "article", name="pk_register_articles"),
    )
    op.create_table(
        "register_mentions",
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("key", _sorted(), nullable=False),
        sa.Column("article", sa.BigInteger(), nullable=False, autoincrement=False),
        sa.Column("mentions", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("kind", "key", "article", name="pk_register_mentions"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_register_mentions_article", "register_mentions", ["article", "kind"])
    op.create_table(
        "register_counts",
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("key", _sorted(), nullable=False),
        sa.Column("aspect", sa.String(16), nullable=False),
        sa.Column("value", _sorted(), nullable=False),
        sa.Column("total", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("kind", "key", "aspect", "value", name="pk_register_counts"),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "ix_register_counts_value",
        "register_counts",
        ["kind", "aspect", "value"],
        **_where("aspect IN ('plain', 'body')"),
    )
    op.create_table(
        "register_keys",
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("key", _sorted(), nullable=False),
        sa.Column("parent", _sorted()),
        sa.Column("entity", _sorted()),
        sa.Column("is_stale", sa.Boolean(), nullable=False),
        sa.Column("name", _sorted(), nullable=False, server_default=""),
        sa.Column("sort", sa.String(32), nullable=False, server_default=""),
        sa.Column("articles", sa.BigInteger(), nullable=False, server_default="0"),
        sa.Column("mentions", sa.BigInteger(), nullable=False, server_default="0"),
        sa.Column("first", sa.Date()),
        sa.Column("last", sa.Date()),
        sa.PrimaryKeyConstraint("kind", "key", name="pk_register_keys"),
    )
    for column in ("entity", "parent", "name", "articles"):
        op.create_index(f"ix_register_keys_{column}", "register_keys", ["kind", column])
    op.create_index("ix_register_keys_stale", "register_keys", ["kind"], **_where("is_stale"))
    op.create_table(
        "register_edits",
        sa.Column("number", _number(), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("key", _sorted(), nullable=False),
        sa.Column("verdict", sa.String(16), nullable=False),
        sa.Column("other", _sorted()),
        sa.Column("reviewer", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("external_id", sa.Text()),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("undoes", _number()),
        sa.ForeignKeyConstraint(
            ["undoes"], ["register_edits.number"], "fk_register_edits_undoes_register_edits"
        ),
        sa.PrimaryKeyConstraint("number", name="pk_register_edits"),
        sa.UniqueConstraint("source", "external_id", name="uq_register_edits_source"),
        sa.UniqueConstraint("undoes", name="uq_register_edits_undoes"),
    )
    op.create_index("ix_register_edits_key", "register_edits", ["kind", "key"])
    for part in PARTS:
        op.execute(
            "INSERT INTO register_changes (part, article)"
            f" SELECT DISTINCT '{part}', article FROM tagged ORDER BY article"
        )
    (_triggers_postgresql if op.get_bind().dialect.name == "postgresql" else _triggers_sqlite)()


# What was never tagged is not in the register, and decided articles are not deleted.
_IS_TAGGED = "EXISTS (SELECT 1 FROM tagged WHERE article = OLD.number)"


def _triggers_sqlite() -> None:
    """A later migration that makes one of these tables anew must make its triggers again."""

    def changed(row: str) -> str:
        values = ", ".join(f"('{part}', {row})" for part in PARTS)
        return f"BEGIN INSERT INTO register_changes (part, article) VALUES {values}; END"

    for name, event, row in (
        ("tagged_insert", "AFTER INSERT ON tagged", "NEW.article"),
        ("tagged_update", "AFTER UPDATE ON tagged", "NEW.article"),
        ("decided", "AFTER INSERT ON span_decisions", "NEW.article"),
        ("article_update", "AFTER UPDATE OF paper, date ON articles", "NEW.number"),
        ("article_delete", f"BEFORE DELETE ON articles WHEN {_IS_TAGGED}", "OLD.number"),
    ):
        op.execute(f"CREATE TRIGGER register_{name} {event} {changed(row)}")
    for action in ("UPDATE", "DELETE"):
        op.execute(
            f"CREATE TRIGGER register_edits_no_{action.lower()} BEFORE {action} ON register_edits"
            " BEGIN SELECT RAISE(ABORT, 'register_edits is append-only'); END"
        )


def _triggers_postgresql() -> None:
    for name, row in (
        ("article", "NEW.article"),
        ("number", "NEW.number"),
        ("gone", "OLD.number"),
    ):
        parts = ", ".join(f"('{part}')" for part in PARTS)
        where = f" WHERE {_IS_TAGGED}" if name == "gone" else ""
        op.execute(f"""
            CREATE FUNCTION ner_register_{name}() RETURNS trigger LANGUAGE plpgsql AS
            $$ BEGIN
                INSERT INTO register_changes (part, article)
                SELECT part, {row} FROM (VALUES {parts}) AS parts (part){where};
                RETURN {row.partition(".")[0]};
            END $$
        """)
    for name, event, function in (
        ("tagged", "AFTER INSERT OR UPDATE ON tagged", "article"),
        ("decided", "AFTER INSERT ON span_decisions", "article"),
        ("article_update", "AFTER UPDATE OF paper, date ON articles", "number"),
        ("article_delete", "BEFORE DELETE ON articles", "gone"),
    ):
        op.execute(
            f"CREATE TRIGGER register_{name} {event}"
            f" FOR EACH ROW EXECUTE FUNCTION ner_register_{function}()"
        )
    op.execute(
        "CREATE TRIGGER register_edits_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON register_edits"
        " FOR EACH STATEMENT EXECUTE FUNCTION ner_append_only()"
    )
