"""
What happened, for the log and for whoever wants to know: each event is one line and one signal.

    from authapi import events

    @receiver(events.token_reused)
    def warn(user_id, session_id, **kwargs): ...

A signal's arguments are the members of its line, beside ``signal`` and ``sender``; all may be None.
No event holds a password, a token, or a user name that was tried: people type passwords there.
"""

from typing import Any

import structlog
from django.dispatch import Signal

_log = structlog.stdlib.get_logger("authapi")


class Event(Signal):
    """A Django signal that is written to the log, too."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name

    def tell(self, **facts: Any) -> None:
        """Log it and send it; a receiver that fails is logged, and fails alone."""
        known = {name: fact for name, fact in facts.items() if fact is not None}
        _log.info(self.name, **known)
        self.send_robust(sender=Event, **facts)


# user_id, session_id (None at the admin's login), address
logged_in = Event("login")
# user_id (None where there is no such account), address
login_failed = Event("login_failed")
# user_id, session_id
refreshed = Event("refresh")
# user_id, session_id, address, user_agent, and last_address, last_user_agent of the session: a spent
# refresh token was repeated from elsewhere, and got its successor
repeated = Event("refresh_repeated")
# the same: a spent refresh token came back, and the session was ended
token_reused = Event("token_reused")
# user_id, session_id: a logout, or one session ended by its owner
logged_out = Event("logout")
# user_id (None where there are several), count: all others ended by their owner, some by an
# administrator, or the oldest of too many
sessions_ended = Event("sessions_ended")
# user_id, session_id: a token came whose user is disabled or has a new password; the session is ended
access_lost = Event("access_lost")
# scope (of authapi.limits.policy), address
throttled = Event("throttled")
