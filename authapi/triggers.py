"""
Database triggers, which work for every writer: the ORM, the admin, fixtures and raw SQL.

``User.login_epoch`` counts the changes of ``is_active``. It is part of ``get_session_auth_hash()``. So
when
a disabled user is enabled again, earlier sessions and admin cookies remain invalid. No write can set
the count, because an old value would make old sessions valid again.
"""

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


def install(*, using: str) -> None:
    """
    Create the triggers, if they do not exist.

    ``manage.py migrate`` does so each time, because SQLite loses them when a migration rebuilds the
    table.
    """
    connection = connections[using]
    # It is not there when other apps are migrated alone.
    if "authapi_user" in connection.introspection.table_names():  # pragma: no branch
        with connection.cursor() as cursor:
            cursor.execute(_BY_VENDOR[connection.vendor])
