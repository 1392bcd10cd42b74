"""
Removes one guard of authapi at a time, in a copy, and runs the cases that must notice.

Some guards stand twice, so that removing one of them changes nothing that a client could see: of
``is_active`` and the count of its changes either refuses a disabled user; of key, ``typ``, audience and
``token_type`` each tells the kinds of tokens apart; the row's ``repeated`` is compared when it is read
and again when it is written. These are removed together. A rotation that loses against a logout
(``ended_at`` in ``_spend``) answers with tokens that are dead either way.
"""

import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from project.run import say
from tests.conformance import adapters, cases
from tests.conformance.__main__ import PASSED, run
from tests.databases import new_postgresql

SESSIONS, CODEC = "authapi/sessions.py", "authapi/tokens/codec.py"
CLIENT, MODELS = "authapi/client.py", "authapi/models.py"
TRIGGERS, VIEWS = "authapi/triggers.py", "authapi/views.py"
SOURCES = ("authapi", "project", "schema", "manage.py", "pyproject.toml")


class Edit(NamedTuple):
    file: str
    old: str
    new: str


class Mutant(NamedTuple):
    """
    Args:
        removed: the guard, in a few words.
        row: of the matrix, which must notice.
    """

    removed: str
    row: str
    edits: tuple[Edit, ...]
    postgresql: bool = False


_CONDITION = "pk=session.pk, ended_at=None, current_jti=spent"
_PLACE = "known and alike and network(self.address) == network(address)"
_AT_HOME = "        if client.is_at(session.user_agent, session.address):\n            return session\n"
_ONCE = Edit(
    SESSIONS, "current.filter(repeated=False, ended_at=None)", "current.filter()"
)
_AGAIN = "again = session.repeated or session.repeated_before"
_EPOCH = Edit(
    TRIGGERS,
    "OLD.login_epoch + (OLD.is_active <> NEW.is_active)\n",
    "OLD.login_epoch\n",
)
_KNOWN = "if not (user.is_active and known):"
_READ = 'presented = codec.read_refresh(self.body()["refresh"])\n        '
_READ_ANY = 'presented = codec.read(self.body()["refresh"])\n        '

MUTANTS = (
    Mutant(
        "the condition of the UPDATE that rotates",
        cases.RACE,
        (Edit(SESSIONS, _CONDITION, "pk=session.pk, ended_at=None"),),
    ),
    Mutant(
        "the condition, by a join that PostgreSQL does not look at again",
        cases.RACE,
        (
            Edit(
                SESSIONS,
                _CONDITION,
                f"{_CONDITION}, user__is_active=True",
            ),
        ),
        postgresql=True,
    ),
    Mutant(
        "reading the row again after a lost race",
        cases.RACE,
        (
            Edit(
                SESSIONS,
                "    session = _live(presented, at=at)\n    places",
                "    places",
            ),
        ),
    ),
    Mutant(
        "only the newest token rotates",
        cases.OLDER,
        (
            Edit(
                SESSIONS,
                "session.current_jti == presented.jti and _spend(",
                "_spend(",
            ),
        ),
    ),
    Mutant(
        "only the direct predecessor is repeated",
        cases.OLDER,
        (
            Edit(
                SESSIONS,
                "    if session.previous_jti != presented.jti:\n        return False\n",
                "",
            ),
        ),
    ),
    Mutant("the place of a repeat", cases.FAR, (Edit(CLIENT, _PLACE, "True"),)),
    Mutant(
        "the user agent of the place",
        cases.FAR,
        (Edit(CLIENT, "known and alike and", "known and"),),
    ),
    Mutant(
        "the network of the place",
        cases.FAR,
        (Edit(CLIENT, _PLACE, "known and alike"),),
    ),
    Mutant("IPv4 networks end at /24", cases.FAR, (Edit(CLIENT, "= 24", "= 16"),)),
    Mutant("a /24 is one network", cases.LOST, (Edit(CLIENT, "= 24", "= 32"),)),
    Mutant("IPv6 networks end at /48", cases.FAR, (Edit(CLIENT, "= 48", "= 32"),)),
    Mutant("a /48 is one network", cases.LOST, (Edit(CLIENT, "= 48", "= 64"),)),
    Mutant(
        "the proxy's entry of X-Forwarded-For counts",
        cases.FAR,
        (Edit("authapi/http/address.py", "hops.pop()", "hops.pop(0)"),),
    ),
    Mutant(
        "the place is where the token was spent",
        cases.FAR,
        (
            Edit(
                SESSIONS,
                "        user_agent=client.user_agent,\n"
                "        address=client.address,\n"
                "        repeated=False",
                "        repeated=False",
            ),
        ),
    ),
    Mutant(
        "the window of ten seconds",
        cases.FAR,
        (Edit(SESSIONS, " and at <= session.rotated_at + REPEAT_WINDOW", ""),),
    ),
    Mutant(
        "the window starts at the refresh",
        cases.SLIDES,
        (
            Edit(
                SESSIONS,
                _AT_HOME,
                _AT_HOME.replace(
                    "return",
                    "Session.objects.filter(pk=session.pk).update(rotated_at=at)\n"
                    "            return",
                ),
            ),
        ),
    ),
    Mutant(
        "one repeat from elsewhere",
        cases.FAR,
        (_ONCE, Edit(SESSIONS, _AGAIN, "again = session.repeated_before")),
    ),
    Mutant("… also of those at once", cases.FAR, (_ONCE,)),
    Mutant(
        "no repeat from elsewhere in two generations",
        cases.WAITS,
        (Edit(SESSIONS, _AGAIN, "again = session.repeated"),),
    ),
    Mutant(
        "a generation remembers the repeat before",
        cases.WAITS,
        (Edit(SESSIONS, 'repeated_before=F("repeated")', "repeated_before=False"),),
    ),
    Mutant(
        "a generation forgets its own repeat",
        cases.LOST,
        (Edit(SESSIONS, "        repeated=False,\n", ""),),
    ),
    Mutant(
        "reuse ends the family",
        cases.REUSE,
        (
            Edit(
                SESSIONS,
                "    _end(session, events.token_reused, at=at, **places)\n",
                "",
            ),
        ),
    ),
    Mutant(
        "no transaction that the refusal rolls back",
        cases.REUSE,
        (Edit(SESSIONS, "def rotate(", "@transaction.atomic\ndef rotate("),),
    ),
    Mutant(
        "an ended family is over for refresh tokens",
        cases.REUSE,
        (
            Edit(
                SESSIONS,
                "session.ended_at or session.expires_at <= at",
                "session.expires_at <= at",
            ),
        ),
    ),
    Mutant(
        "… and for access tokens",
        cases.ACCESS,
        (
            Edit(
                SESSIONS,
                "session.ended_at or session.expires_at <= at",
                "session.expires_at <= at",
            ),
        ),
    ),
    Mutant(
        "a logout ends the family",
        cases.LOGOUT,
        (
            Edit(
                SESSIONS,
                "        _end(session, events.logged_out, at=at)\n",
                "        pass\n",
            ),
        ),
    ),
    Mutant(
        "… with a spent token, too",
        cases.LOGOUT,
        (
            Edit(
                SESSIONS,
                "for session in Session.objects.filter(pk=presented.session):",
                "for session in Session.objects.filter("
                "pk=presented.session, current_jti=presented.jti):",
            ),
        ),
    ),
    Mutant(
        "auth_hash is compared",
        cases.NEW_PASSWORD,
        (Edit(SESSIONS, _KNOWN, "if not user.is_active:"),),
    ),
    Mutant(
        "auth_hash covers the password",
        cases.NEW_PASSWORD,
        (Edit(MODELS, "{self.login_epoch} {self.password}", "{self.login_epoch}"),),
    ),
    Mutant("changes of is_active are counted", cases.ENABLED_AGAIN, (_EPOCH,)),
    Mutant(
        "… and is_active is checked",
        cases.DISABLED,
        (_EPOCH, Edit(SESSIONS, _KNOWN, "if not known:")),
    ),
    Mutant(
        "a session that is gone is refused",
        cases.DELETED,
        (Edit(SESSIONS, "except Session.DoesNotExist", "except ZeroDivisionError"),),
    ),
    Mutant(
        "a refresh takes refresh tokens only",
        cases.KIND,
        (Edit(VIEWS, f"{_READ}session =", f"{_READ_ANY}session ="),),
    ),
    Mutant(
        "a logout takes refresh tokens only",
        cases.KIND,
        (Edit(VIEWS, f"{_READ}sessions.end", f"{_READ_ANY}sessions.end"),),
    ),
    Mutant(
        "a request takes access tokens only",
        cases.KIND,
        (Edit("authapi/authentication.py", "codec.read_access(", "codec.read("),),
    ),
    Mutant(
        "key, typ, audience and token_type by kind",
        cases.KIND,
        (
            Edit(CODEC, "staticmethod(keys.refresh_ring)", "staticmethod(keys.ring)"),
            Edit(CODEC, 'typ = "rt+jwt"', 'typ = "at+jwt"'),
            Edit(
                CODEC,
                'return f"{simplejwt.api_settings.ISSUER}{_REFRESH_AUDIENCE}"',
                "return str(simplejwt.api_settings.AUDIENCE)",
            ),
            Edit(
                CODEC,
                "    lifetime = timedelta()\n",
                "    lifetime = timedelta()\n    def verify_token_type(self): pass\n",
            ),
        ),
    ),
    Mutant(
        "a refresh is a POST",
        cases.METHOD,
        (
            Edit(
                VIEWS,
                "class TokenVerifyView(",
                "TokenRefreshView.get = TokenRefreshView.post\n\nclass TokenVerifyView(",
            ),
        ),
    ),
    Mutant(
        "a logout is a POST",
        cases.METHOD,
        (
            Edit(
                VIEWS,
                "class MemberView(",
                "TokenBlacklistView.delete = TokenBlacklistView.post\n\nclass MemberView(",
            ),
        ),
    ),
)


def main() -> None:
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        noticed = list(pool.map(_notice, MUTANTS))
    if not all(noticed):
        sys.exit("A guard can be removed unnoticed.")


def mutate(mutant: Mutant, folder: Path) -> None:
    """
    Copy the sources to *folder*, without the guard.

    Raises:
        ValueError: an edit does not fit the sources, or fits in two places.
    """
    for name in SOURCES:
        source = adapters.ROOT / name
        copy = shutil.copytree if source.is_dir() else shutil.copy
        copy(source, folder / name)
    for file, old, new in mutant.edits:
        text = (folder / file).read_text()
        if text.count(old) != 1:
            raise ValueError(f"{file} contains {text.count(old)} times: {old}")
        (folder / file).write_text(text.replace(old, new))


def _notice(mutant: Mutant) -> bool:
    """Run the row of *mutant*, and print what it says. Return whether it fails."""
    with tempfile.TemporaryDirectory() as name, _database(mutant) as database:
        mutate(mutant, Path(name))
        adapter = adapters.authapi(mutant.removed, database, Path(name))
        cell = run(adapter, mutant.row)[mutant.row]
    say(f"| {mutant.removed} | {mutant.row} | {cell} |")
    return cell != PASSED


@contextmanager
def _database(mutant: Mutant) -> Iterator[str]:
    if mutant.postgresql:
        with new_postgresql() as url:
            yield url
    else:
        yield adapters.SQLITE


if __name__ == "__main__":
    main()
