"""Accounts of reviewers, and the browsers they are logged in with. Passwords come here hashed."""

import datetime
from dataclasses import dataclass
from functools import cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from ner.errors import NerError
from ner.store.schema import accounts, insert, now, sessions

ROLES = ("reader", "reviewer", "admin")
"""Each may do what those before it may: see all; decide; make queues and settle disagreements."""


@dataclass(frozen=True, slots=True)
class Account:
    """Somebody who may review."""

    name: str
    role: str
    password_hash: str


def put_account(connection: Connection, account: Account) -> None:
    """Add an account, or give one another password and role: then it is logged out everywhere.

    Raises:
        NerError: there is no such role.
    """
    if account.role not in ROLES:
        raise NerError(f"no role {account.role!r}", remedy=f"one of {', '.join(ROLES)}")
    values = {"password_hash": account.password_hash, "role": account.role}
    connection.execute(
        insert(connection, accounts)
        .values(name=account.name, added_at=now(), **values)
        .on_conflict_do_update(index_elements=["name"], set_=values)
    )
    connection.execute(sessions.delete().where(sessions.c.account == _number(account.name)))


def remove_account(connection: Connection, name: str) -> bool:
    """Remove an account; what was decided by it stays. False where there is none."""
    connection.execute(sessions.delete().where(sessions.c.account == _number(name)))
    return connection.execute(accounts.delete().where(accounts.c.name == name)).rowcount > 0


def list_accounts(connection: Connection) -> list[Account]:
    """The accounts by name."""
    query = sa.select(accounts.c.name, accounts.c.role, accounts.c.password_hash)
    return [Account(*row) for row in connection.execute(query.order_by(accounts.c.name))]


def start_session(
    connection: Connection, name: str, token_hash: str, until: datetime.datetime
) -> None:
    """Log a browser in; sessions that have ended are dropped."""
    connection.execute(sessions.delete().where(sessions.c.until < now()))
    number = connection.scalar(sa.select(_number(name)))
    connection.execute(sessions.insert().values(token_hash=token_hash, account=number, until=until))


def end_session(connection: Connection, token_hash: str) -> None:
    """Log a browser out."""
    connection.execute(sessions.delete().where(sessions.c.token_hash == token_hash))


def account_of(connection: Connection, token_hash: str) -> Account | None:
    """Whose session a token is, if it has not ended."""
    row = connection.execute(_logged_in(), {"token": token_hash, "now": now()}).first()
    return Account(*row) if row else None


@cache
def _logged_in() -> sa.Select[Any]:
    return (
        sa.select(accounts.c.name, accounts.c.role, accounts.c.password_hash)
        .join(sessions, sessions.c.account == accounts.c.number)
        .where(sessions.c.token_hash == sa.bindparam("token"))
        .where(sessions.c.until > sa.bindparam("now"))
    )


def _number(name: str) -> sa.ScalarSelect[int]:
    return sa.select(accounts.c.number).where(accounts.c.name == name).scalar_subquery()
