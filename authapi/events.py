"""
Events, for the log and for receivers: each event is one log line and one signal.

    from authapi import events

    @receiver(events.token_reused)
    def warn(user_id, session_id, **kwargs): ...

The arguments of a signal are ``signal``, ``sender`` and the members of its log line; all members can be
None. No event contains a password, a token or an attempted user name, because people type passwords
there.
"""

from typing import Any

import structlog
from django.dispatch import Signal

_log = structlog.stdlib.get_logger("authapi")


class Event(Signal):
    """A Django signal that is also written to the log."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name

    def tell(self, **facts: Any) -> None:
        """
        Log the event and send the signal. A failing receiver is logged and does not affect the
        others.
        """
        known = {name: fact for name, fact in facts.items() if fact is not None}
        _log.info(self.name, **known)
        self.send_robust(sender=Event, **facts)


# user_id, session_id (None at the admin's login), address
logged_in = Event("login")
# user_id (None if there is no such account), address
login_failed = Event("login_failed")
# user_id, session_id
refreshed = Event("refresh")
# user_id, session_id, address, user_agent, and the last_address and last_user_agent of the session: a
# spent refresh token was repeated from another place, and got the same successor
repeated = Event("refresh_repeated")
# the same members: a spent refresh token was reused, and the session was ended
token_reused = Event("token_reused")
# user_id, session_id: a logout, or one session ended by its owner
logged_out = Event("logout")
# user_id (None for several users), count: the owner ended all other sessions, an administrator ended
# some, or the oldest made room for a new one
sessions_ended = Event("sessions_ended")
# user_id, session_id: a token of a disabled user, or from before a new password, was used; the session
# is ended
access_lost = Event("access_lost")
# scope (of authapi.limits.policy), address
throttled = Event("throttled")
