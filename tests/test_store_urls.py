"""A password in a store's URL is shown by nothing that we print, raise or represent."""

import traceback
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ner.errors import NerError
from ner.store import Store, safe_url
from ner.store.database import open_engine

# Passwords that occur in no message by chance; with what people forget to write as %40 and the like.
PASSWORDS = st.builds(
    "{}{}{}".format,
    st.sampled_from(["", "@", "s3@", "a:", "/", "?x", "#", "%", "//", "[", "号@号"]),
    st.from_regex(r"zq[a-y0-9]{6}zq", fullmatch=True),
    st.sampled_from(["", "@", "@x", ":1", "/w", "?y=", "#", "%zz", "]"]),
)
FORMS = [
    "postgresql://u:{}@127.0.0.1:1/db",
    "postgresql+psycopg://u:{}@127.0.0.1:1/db",
    "postgres://u:{}@host/db",
    "mysql://u:{}@host/db",
    "postgresql:/u:{}@host/db",
    "postgresql:u:{}@host/db",
    "Postgresql://u:{}@host/db",
    "u:{}@host/db",
    "postgresql://u@127.0.0.1:{}/db",
    "postgresql://127.0.0.1:1/db?user=u&password={}",
    "postgresql://127.0.0.1:1/db?password={}&password=2",
    "postgresql://127.0.0.1:1/db?passwort={}",
    "postgresql://127.0.0.1:1/db?host=127.0.0.1&sslmode={}",
    "postgresql://127.0.0.1:1/u:{}@db",
    "sqlite://u:{}@host/a.db",
    "sqlite:///u:{}@host/a.db",
    "sqlite:///none.db?password={}",
    "sqlite+pysqlcipher://:{}@/a.db?cipher=aes-256-cfb",
    "postgresql+psycopg2://u:{}@host/db",
]


def core(password: str) -> str:
    """The part of a generated password that is found nowhere else."""
    start = password.index("zq")
    return password[start : password.rindex("zq") + 2]


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(FORMS), PASSWORDS, st.booleans(), st.booleans())
def test_no_message_shows_a_password(form: str, password: str, quoted: bool, create: bool) -> None:
    url = form.format(quote(password, safe="") if quoted else password)
    shown = [safe_url(url)]
    try:
        with Store(url, create=create) as store:
            shown.append(repr(store))
    except NerError as error:
        shown += [str(error), repr(error), "".join(traceback.format_exception(error))]
    for text in shown:
        assert core(password) not in text, form


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://u:secret@db.example:5433/news", "postgresql://db.example:5433/news"),
        ("postgresql://u:secret@[::1]/news", "postgresql://[::1]/news"),
        ("postgresql:///news?host=/run/postgresql&password=secret", "postgresql:///news"),
        ("postgresql://u:se@cret@host/news", "postgresql://…"),
        ("postgres://u:secret@host/news", "postgres://…"),
        ("u:secret@host/news", "…"),
        ("sqlite:///articles.db", "sqlite:///articles.db"),
        ("sqlite:///file:/data/江州.db?mode=ro&uri=true", "sqlite:///file:/data/江州.db"),
        ("articles.db", "articles.db"),
    ],
)
def test_what_of_a_url_is_shown(url: str, shown: str) -> None:
    assert safe_url(url) == shown


@pytest.mark.parametrize(
    ("url", "remedy"),
    [
        ("postgresql://u:se@cret@host/news", "in a password write @ as %40"),
        ("sqlite://articles.db", "a file has three slashes: sqlite:///articles.db"),
        ("mysql://u:secret@host/news", "write sqlite:///articles.db or postgresql://"),
    ],
)
def test_a_mistyped_url_is_refused_with_its_remedy(url: str, remedy: str) -> None:
    with pytest.raises(NerError, match="is not a store") as refused:
        Store(url)
    assert remedy in str(refused.value)


def test_a_password_with_every_kind_of_character_reaches_the_database() -> None:
    password = "p@ss/w?rd#%号"
    engine = open_engine(f"postgresql://u:{quote(password, safe='')}@host/db", create=False)
    assert engine.url.password == password
