"""Keys are exchanged while clients refresh."""

import secrets

from authapi.tokens import keys
from tests.scale.load import load


def test_row_1_keys_rotate(fleet, report):
    """In the documented order, on one instance after the other, nobody is logged out."""
    old = (fleet.environment["JWT_KEYS"], fleet.environment["SECRET_KEY"])
    new = (keys.generate(), secrets.token_urlsafe(48))
    steps = {
        "published": {"JWT_KEYS": old[0] + new[0], "SECRET_KEY_FALLBACKS": new[1]},
        "signing": {
            "JWT_KEYS": new[0] + old[0],
            "SECRET_KEY": new[1],
            "SECRET_KEY_FALLBACKS": old[1],
        },
        "alone": {"JWT_KEYS": new[0], "SECRET_KEY_FALLBACKS": ""},
    }
    with load(fleet) as clients:
        for environment in steps.values():
            for _ in fleet.roll(**environment):
                clients.until_refreshed(1)
            clients.until_refreshed()

        report(clients.figures())
        assert not clients.lost
        assert not clients.bad


def test_row_1_keys_rotate_in_the_wrong_order(fleet, report):
    """A key that signs on one instance, and that the others do not know, logs people out."""
    before = fleet.environment
    for environment in (
        {
            "SECRET_KEY": secrets.token_urlsafe(48),
            "SECRET_KEY_FALLBACKS": before["SECRET_KEY"],
        },
        {"JWT_KEYS": keys.generate() + before["JWT_KEYS"]},
    ):
        with load(fleet) as clients:
            next(fleet.roll(**environment))
            clients.until(lambda: bool(clients.lost), "a client is logged out")

            report(f"{next(iter(environment))}: {clients.figures()}")
        fleet.environment = before
        next(fleet.roll())
