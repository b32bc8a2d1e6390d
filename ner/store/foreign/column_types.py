"""Types of columns: in which their values are read as they are, and ids kept by us as they are."""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Dialect, Engine

_MYSQL = ("mysql", "mariadb")
_KEY_LENGTH = 500  # characters of an id in a primary key of MySQL's, which takes 3,072 bytes


class AsStored(sa.types.UserDefinedType[Any]):
    """A column of SQLite, where any value can be in any column: each is read and compared as it is.

    Args:
        declared: the type that the table names, which says how SQLite compares.
        generic: what another database keeps such values in.
    """

    cache_ok = True

    def __init__(self, declared: str, generic: type[sa.types.TypeEngine[Any]]) -> None:
        self.declared = declared
        self.generic = generic

    def get_col_spec(self, **_: Any) -> str:
        """The type in a statement that makes a table."""
        return self.declared

    def as_generic(self, allow_nulltype: bool = False) -> sa.types.TypeEngine[Any]:
        """The type in another database."""
        return self.generic()

    @property
    def python_type(self) -> type:
        """Of an id that is given as text."""
        return bytes if self.generic is sa.LargeBinary else str


def as_stored(kind: Any, dialect: Dialect) -> Any:
    """The type in which a column of theirs is read; SQLAlchemy's own would change values or refuse them."""
    if dialect.name != "sqlite" or isinstance(kind, sa.Integer | sa.Float | sa.String):
        return kind
    kept = (each for each in (sa.LargeBinary, sa.Numeric) if isinstance(kind, each))
    generic: type[sa.types.TypeEngine[Any]] = next(kept, sa.Text)
    is_declared = not isinstance(kind, sa.types.NullType)
    return AsStored(kind.compile(dialect) if is_declared else "", generic)


def is_undeclared(kind: Any) -> bool:
    """Whether it is a column of SQLite's without a type, as those of a view are that it computes."""
    return isinstance(kind, AsStored) and not kind.declared


def is_text(kind: Any) -> bool:
    """Whether a column can hold text, so that offsets are those in the column as SQL sees it."""
    return not isinstance(kind, sa.JSON | sa.ARRAY) and kind.__visit_name__ != "HSTORE"


def our_id_type(engine: Engine, their_type: Any, ours: Dialect) -> sa.types.TypeEngine[Any]:
    """The type of their ids for a column of ours, which then joins without a conversion."""
    names = {engine.dialect.name, ours.name}
    is_same = len(names) == 1 or names == set(_MYSQL)
    kind = their_type if is_same else their_type.as_generic(allow_nulltype=True)
    if not isinstance(kind, sa.String):
        return kind  # type: ignore[no-any-return]
    # A collation of theirs is none in another kind of database, where ids are compared as they are.
    collation = kind.collation if is_same else "utf8mb4_bin" if ours.name in _MYSQL else None
    if ours.name in _MYSQL and not (kind.length and kind.length <= _KEY_LENGTH):
        return sa.String(_KEY_LENGTH, collation)
    return kind if is_same else sa.String(kind.length, collation)
