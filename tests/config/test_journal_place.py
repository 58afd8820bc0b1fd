"""What names a journal: a path stays one, a URL is one, and a password is never repeated."""

from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import pytest
from psycopg.conninfo import conninfo_to_dict

from loyalty_cli.config.journal_place import check_place, is_url
from loyalty_cli.debits.journal.database import JournalError
from loyalty_cli.debits.journal.open import open_journal
from loyalty_cli.model.errors import ErrorCode
from tests.conftest import Run

SECRET = "hunter2"


@pytest.mark.parametrize(
    "path",
    [
        "./journal.db",
        "/var/lib/loyalty/journal.db",
        "a/b:c.db",
        "/a/postgresql://db/j",
        "/a/b@c.db",
        "/srv/u:v@w/journal.db",
        "c:journal.db",
        "Jürgen Groß/journal.db",
    ],
)
def test_a_path_is_taken_as_a_journal_file(path: str) -> None:
    assert check_place(path) == path
    assert not is_url(path)


@pytest.mark.parametrize(
    "rest",
    [
        "me@db.example.com:5433/loyalty",
        "/loyalty",
        "/?service=loyalty",
        "?service=loyalty",
        "me@/loyalty?host=/run/postgresql&port=5433",
        "me@%2Frun%2Fpostgresql/loyalty",
        "me@[::1]:5432/loyalty",
        "me@a.example,b.example:5433/loyalty?target_session_attrs=read-write",
        "me@db/loyalty?sslmode=verify-full&sslrootcert=/etc/ca.pem",
        "me@db/loyalty?channel_binding=require&gssencmode=disable&application_name=debits",
        "me@db/loyalty?options=-csearch_path%3Dloyalty",
        "me@db/loyalty?options=-c%20search_path%3Dloyalty,public",
        "me@db/gr%C3%B6%C3%9Fe",
    ],
)
@pytest.mark.parametrize("scheme", ["postgresql", "postgres"])
def test_a_url_is_taken_as_a_journal_in_postgresql(scheme: str, rest: str) -> None:
    place = check_place(f"{scheme}://{rest}")

    assert place == f"postgresql://{rest}"
    assert is_url(place)
    assert conninfo_to_dict(place)


@pytest.mark.parametrize(
    "text",
    [
        "postgresql:/me@db/j",
        "postgresql://",
        "postgresql://host",
        "postgresql",
        "postgresql//db/j",
        "postgres=db",
        "PostgreSQL://db/j",
        " postgresql://db/j",
        "'postgresql://db/j'",
        "postgresql://db/j#x",
        "postgresql://db/j/k",
        "postgresql://db/j%zz",
        "postgresql://db/j%00",
        "postgresql://db/j?host=a?port=1",
        "postgresql:\\\\db\\j",
        "url=postgresql://db/j",
        "sqlite:///j.db",
        "file:j.db",
        "my_scheme://db/j",
        "localhost:5432/j",
        "//db/j",
        "host=db dbname=j",
        "service=loyalty",
        "postgresql://db:port/j",
        "postgresql://db:0/j",
        "postgresql://db:65536/j",
        "postgresql://db:5432:5433/j",
        "postgresql://[::1/j",
        "postgresql://a@b@c/j",
    ],
)
def test_text_that_only_looks_like_a_url_is_refused_and_not_taken_for_a_file(
    text: str, tmp_path: Path
) -> None:
    with pytest.raises(ValueError, match="form"):
        check_place(text)

    with pytest.raises(JournalError) as raised:
        open_journal(text, create=True)
    assert raised.value.code is ErrorCode.SETUP
    assert list(tmp_path.iterdir()) == [tmp_path / "home"]


@pytest.mark.parametrize(
    "settings",
    [
        "no_such_setting=1",
        "sslmode=perhaps",
        "sslmode=",
        "sslmode",
        "connect_timeout=0",
        "sslmode=require&sslmode=disable",
        "%73slmode=require",
        "user=me",
        "options=-cstatement_timeout=0",
        "options=-csearch_path=a%20-cfsync=off",
        "options=a",
        "options=-csearch_path=loyalty",
        "host=",
        "port=x",
        "target_session_attrs=standby",
        "&",
    ],
)
def test_unknown_settings_in_the_url_of_a_journal_are_refused(settings: str) -> None:
    with pytest.raises(ValueError, match=r"unknown setting|value of|twice"):
        check_place(f"postgresql://me@db/j?{settings}")


@pytest.mark.parametrize(
    "text",
    [
        f"postgresql://me:{SECRET}@db/j",
        f"postgresql:me:{SECRET}@db/j",
        f"//me:{SECRET}@db/j",
        f"me:{SECRET}@db/j",
        f"u:{SECRET}@db/j",
        f"postgresql://me%3A{SECRET}@db/j",
        f"postgresql://me:{SECRET}/x@db/j",
        f"postgresql://me:{SECRET}@x@db/j",
        f"postgresql://me:{SECRET}#x@db/j",
        f"postgresql://:{SECRET}@db/j",
        f"postgresql://db/j?password={SECRET}",
        f"postgresql://db/j?p%61ssword={SECRET}",
        f"postgresql://db/j?options=-cpassword%3D{SECRET}",
        f"postgresql://db/password={SECRET}",
        f"postgresql:///host=db%20password={SECRET}",
        f"host=db password={SECRET}",
        f"dbname=j pwd={SECRET}",
        f"jdbc:postgresql://db/j?user=me&password={SECRET}",
    ],
)
def test_a_password_in_the_url_of_a_journal_is_refused_and_never_shown(
    text: str, profile_file: Callable[[str], Path], loyalty: Run
) -> None:
    with pytest.raises(JournalError) as raised:
        open_journal(text, create=True)
    profile_file(f'profiles: {{card: {{provider: imprint}}}}\njournal: "{text}"\n')
    done = loyalty("journal", "init")

    assert "password" in raised.value.message
    assert done.code == 3
    assert "password" in done.err
    assert SECRET not in f"{raised.value.message} {raised.value.hint} {done.err}"


@pytest.mark.parametrize(
    "text",
    [
        f"postgresql://db/j?{SECRET}",
        f"postgresql://db/j?sslmode={SECRET}",
        f"postgresql://db:{SECRET}/j",
        f"postgresql://{quote('me ' + SECRET)}",
        f"postgresql:{SECRET}",
    ],
)
def test_nothing_of_a_wrong_url_of_a_journal_is_shown(text: str) -> None:
    with pytest.raises(JournalError) as raised:
        open_journal(text, create=True)

    assert SECRET not in f"{raised.value.message} {raised.value.hint}"


def test_a_journal_file_in_a_folder_named_like_a_url_can_be_named(tmp_path: Path) -> None:
    path = tmp_path / "postgresql:" / "journal.db"

    open_journal(path, create=True).close()

    assert path.exists()


def test_a_wrong_url_of_a_journal_in_the_profile_file_makes_no_file(
    profile_file: Callable[[str], Path], loyalty: Run, tmp_path: Path
) -> None:
    path = profile_file(
        "profiles: {card: {provider: imprint}}\njournal: postgresql:/me@db/journal\n"
    )

    done = loyalty("journal", "init")

    assert (done.code, done.out) == (3, "")
    assert f"{path}, line 2: journal: looks like a URL" in done.err
    assert "postgresql://USER@HOST/DATABASE" in done.err
    assert {each.name for each in tmp_path.iterdir()} == {"home", "config.yaml"}
