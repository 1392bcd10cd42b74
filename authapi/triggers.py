"""
What the database itself keeps true, whoever writes to it: the ORM, the admin, a fixture or SQL.

``User.login_epoch`` counts the changes of ``is_active``. It enters ``get_session_auth_hash()``, so
that sessions from before a user was disabled, those of the admin's cookies too, do not come back when
the user is enabled. No write can set it: one with an old value would bring old sessions back.
"""

from typing import Any

from django.db import connections

_SQLITE = """
CREATE TRIGGER IF NOT EXISTS authapi_user_login_epoch
AFTER UPDATE OF is_active, login_epoch ON authapi_user
BEGIN
    UPDATE authapi_user
    SET login_epoch = OLD.login_epoch + (OLD.is_active <> NEW.is_active)
    WHERE id = NEW.id;
END
"""
_POSTGRESQL = """
CREATE OR REPLACE FUNCTION authapi_user_login_epoch() RETURNS trigger AS $$
BEGIN
    NEW.login_epoch := OLD.login_epoch + (OLD.is_active <> NEW.is_active)::integer;
    RETURN NEW;
END
$$ LANGUAGE plpgsql;
CREATE OR REPLACE TRIGGER authapi_user_login_epoch
BEFORE UPDATE ON authapi_user FOR EACH ROW EXECUTE FUNCTION authapi_user_login_epoch()
"""
_BY_VENDOR = {"sqlite": _SQLITE, "postgresql": _POSTGRESQL}


def install(*, using: str, **kwargs: Any) -> None:
    """
    Create the triggers, if they are not there.

    After every ``migrate``, for SQLite loses them when a migration makes the table anew.
    """
    connection = connections[using]
    # It is not there when other apps are migrated alone.
    if "authapi_user" in connection.introspection.table_names():  # pragma: no branch
        with connection.cursor() as cursor:
            cursor.execute(_BY_VENDOR[connection.vendor])
