"""
The cases, by row of the matrix. Each is told a running system, and raises ``Failed`` if it does not hold.

They are what advisories on refresh-token rotation are about, and RFC 9700, section 4.14.2.
"""

from collections.abc import Callable, Iterable, Sequence
from operator import attrgetter
from typing import NamedTuple

from tests.conformance.system import (
    HOME,
    MOST,
    Answer,
    Failed,
    Pair,
    Place,
    Request,
    System,
    identity,
)

ROUNDS = 50
# A longer time than any window for a repeat, shorter than the life of an access token.
LATER = {"seconds": 11}
THIEF = Place("Thief/1.0", "203.0.113.9")
HOME_6 = Place(HOME.user_agent, "2001:db8:1::7")
# A place, and another one that must not be taken for it.
ELSEWHERE = (
    (HOME, Place("Thief/1.0", HOME.forwarded_for)),
    (HOME, Place(HOME.user_agent, "192.0.3.7")),
    (HOME_6, Place(HOME.user_agent, "2001:db8:2::7")),
    # A client can send the header too; the proxy adds the true address at the end.
    (HOME, Place(HOME.user_agent, f"{HOME.forwarded_for}, 203.0.113.9")),
)
# A place, and another address of the same network.
SAME_NETWORK = (
    (HOME, Place(HOME.user_agent, "192.0.2.200")),
    (HOME_6, Place(HOME.user_agent, "2001:db8:1:ffff::9")),
)


class Case(NamedTuple):
    """
    One case of a *row*.

    Args:
        needs: a feature. A system that does not claim it passes or fails nothing here.
        clock: whether it moves the server's clock.
    """

    row: str
    check: Callable[[System], None]
    needs: str | None
    clock: bool


CASES: list[Case] = []


def case(
    row: str, *, needs: str | None = None, clock: bool = False
) -> Callable[[Callable[[System], None]], Callable[[System], None]]:
    def registered(check: Callable[[System], None]) -> Callable[[System], None]:
        CASES.append(Case(row, check, needs, clock))
        return check

    return registered


def expect(fact: object, otherwise: str) -> None:
    if not fact:
        raise Failed(otherwise)


def one_successor(answers: Iterable[Answer]) -> Pair:
    pairs = [pair for answer in answers if (pair := answer.pair)]
    expect(pairs, "no successor")
    expect(len({pair.successor for pair in pairs}) == 1, "several successors")
    return pairs[0]


def spend(system: System, times: int = 1, place: Place = HOME) -> list[str]:
    """Log in and refresh some *times*. Return the refresh tokens, the oldest first."""
    tokens = [system.log_in(place=place).refresh]
    for _ in range(times):
        tokens.append(system.renewed(tokens[-1], place).refresh)
    return tokens


def expect_dead(system: System, tokens: Sequence[str], otherwise: str) -> None:
    """The refresh *tokens* are refused. The newest is the first, because older ones may end it."""
    for token in reversed(tokens):
        expect(not system.refresh(token), otherwise)


RACE = "Many requests at once: one successor"


@case(RACE)
def from_one_place(system: System) -> None:
    token = system.log_in().refresh
    for _ in range(ROUNDS):
        answers = system.at_once([system.refreshing(token)] * MOST)
        newest = one_successor(answers)
        expect(newest.successor != identity(token), "no successor")
        token = newest.refresh


@case(RACE)
def from_many_places(system: System) -> None:
    places = [Place(f"Tab/{number}", HOME.forwarded_for) for number in range(MOST)]
    for _ in range(ROUNDS // 10):
        token = system.log_in().refresh
        one_successor(
            system.at_once([system.refreshing(token, place) for place in places])
        )


LOST = "A lost answer, repeated: the same successor"


@case(LOST, needs="repeat")
def at_once(system: System) -> None:
    token = system.log_in().refresh
    for _ in range(ROUNDS // 10):
        answers = system.at_once([system.refreshing(token)] * MOST)
        expect(all(answer.pair for answer in answers), "a tab is logged out")
        token = one_successor(answers).refresh


@case(LOST, needs="repeat", clock=True)
def at_home_however_late(system: System) -> None:
    for place, same in ((HOME, HOME), *SAME_NETWORK):
        spent = system.log_in(place=place).refresh
        first = system.renewed(spent, place)
        for later in ({}, {"hours": 1}, {"days": 13}):
            system.pass_time(**later)
            again = system.refresh(spent, same)
            expect(again, "logged out")
            expect(again and again.successor == first.successor, "another successor")
        system.renewed(first.refresh, place)


@case(LOST, needs="repeat", clock=True)
def where_the_owner_is_now(system: System) -> None:
    """A phone that has moved is at home where it spent the token, not where it logged in."""
    spent = system.log_in().refresh
    system.renewed(spent, THIEF)
    system.pass_time(**LATER)

    expect(system.refresh(spent, THIEF), "logged out")


@case(LOST, needs="repeat", clock=True)
def from_elsewhere_within_the_window(system: System) -> None:
    """A phone that changes networks between request and answer, now and again."""
    for home, elsewhere in ELSEWHERE:
        token = system.log_in(place=home).refresh
        for _ in range(2):
            first = system.renewed(token, home)
            system.pass_time(seconds=9)
            again = system.refresh(token, elsewhere)
            expect(again, "logged out")
            expect(again and again.successor == first.successor, "another successor")
            token = system.renewed(first.refresh, home).refresh


RESTART = "A lost answer, repeated after a restart"


@case(RESTART, needs="repeat")
def after_a_restart(system: System) -> None:
    spent = system.log_in().refresh
    first = system.renewed(spent)
    system.restart()

    again = system.refresh(spent)

    expect(again, "logged out")
    expect(again and again.successor == first.successor, "another successor")


FAR = "A spent token from elsewhere: once, within 10 s"


@case(FAR, clock=True)
def late_from_elsewhere(system: System) -> None:
    for home, elsewhere in ELSEWHERE:
        spent, _ = spend(system, place=home)
        system.pass_time(**LATER)
        expect(not system.refresh(spent, elsewhere), "accepted late")


@case(FAR)
def twice_from_elsewhere(system: System) -> None:
    for home, elsewhere in ELSEWHERE:
        spent, _ = spend(system, place=home)
        system.refresh(spent, elsewhere)
        expect(not system.refresh(spent, elsewhere), "accepted twice")


@case(FAR, clock=True)
def at_the_place_of_the_login(system: System) -> None:
    """The owner has moved, so the place of the login is another one now."""
    spent = system.log_in().refresh
    system.renewed(spent, THIEF)
    system.pass_time(**LATER)

    expect(not system.refresh(spent, HOME), "accepted late")


@case(FAR)
def at_once_from_many_places(system: System) -> None:
    """Of eight thieves, two are fast enough in a third of the families, so there are many."""
    thieves = [Place(f"Thief/{number}", "203.0.113.9") for number in range(8)]
    for _ in range(6):
        spent = [spend(system)[0] for _ in range(4)]
        answers = system.at_once(
            [system.refreshing(token, place) for token in spent for place in thieves]
        )
        for family in range(0, len(answers), len(thieves)):
            pairs = [answer.pair for answer in answers[family : family + len(thieves)]]
            expect(sum(map(bool, pairs)) <= 1, "accepted twice")


SLIDES = "Repeats do not extend these 10 s"


@case(SLIDES, clock=True)
def the_window_does_not_slide(system: System) -> None:
    for home, elsewhere in ELSEWHERE:
        spent, _ = spend(system, place=home)
        for _ in range(2):
            system.pass_time(seconds=6)
            system.refresh(spent, home)
        expect(not system.refresh(spent, elsewhere), "accepted late")


OLDER = "A token of an older generation: refused"


@case(OLDER, clock=True)
def an_older_token(system: System) -> None:
    for place in (HOME, THIEF):
        for later in ({}, {"seconds": 100}):
            oldest, *_ = spend(system, times=2)
            system.pass_time(**later)
            expect(not system.refresh(oldest, place), "accepted")


@case(OLDER)
def an_older_token_many_times_at_once(system: System) -> None:
    oldest, *_ = spend(system, times=2)
    answers = system.at_once([system.refreshing(oldest)] * MOST)
    expect(not any(answer.pair for answer in answers), "accepted")


REUSE = "Reuse ends the family, for good"


@case(REUSE, clock=True)
def of_an_older_token(system: System) -> None:
    other = system.log_in()
    oldest, *newer = spend(system, times=2)
    expect(not system.refresh(oldest), "reuse accepted")

    expect_dead(system, newer, "newest works")
    system.pass_time(hours=1)
    expect_dead(system, newer, "newest works again")
    expect(system.refresh(other.refresh), "ends other logins")


@case(REUSE, clock=True)
def of_a_spent_token_elsewhere(system: System) -> None:
    for late in (LATER, {}):
        spent, newest = spend(system)
        system.pass_time(**late)
        system.refresh(spent, THIEF)
        expect(not system.refresh(spent, THIEF), "accepted twice")
        expect_dead(system, [newest], "newest works")


@case(REUSE)
def many_times_at_once(system: System) -> None:
    oldest, *newer = spend(system, times=2)
    system.at_once([system.refreshing(oldest)] * MOST)
    expect_dead(system, newer, "newest works")


WAITS = "A thief before or behind the owner: found out"


@case(WAITS)
def behind_the_owner(system: System) -> None:
    stolen = token = system.log_in().refresh
    gained = 0
    for _ in range(4):
        owners = system.refresh(token)
        thiefs = system.refresh(stolen, THIEF)
        if not (owners and thiefs):
            break
        gained += 1
        token, stolen = owners.refresh, thiefs.refresh
    expect(gained <= 1, "follows for generations")
    expect_dead(system, [stolen], "the thief goes on")
    if gained and owners:
        expect_dead(system, [owners.refresh], "the owner goes on")
        expect(not system.lets_in(owners.access), "the access token works")


@case(WAITS, clock=True)
def before_the_owner(system: System) -> None:
    for pause in ({}, LATER):
        stolen = token = system.log_in().refresh
        for _ in range(3):
            thiefs = system.refresh(stolen, THIEF)
            system.pass_time(**pause)
            owners = system.refresh(token)
            stolen = thiefs.refresh if thiefs else stolen
            if not (owners and thiefs):
                break
            token = owners.refresh
        else:
            raise Failed("both go on")
        expect(not system.refresh(stolen, THIEF), "the thief goes on")


LOGOUT = "A logout ends it, also during a refresh"


@case(LOGOUT)
def with_the_newest_token(system: System) -> None:
    tokens = spend(system)
    expect(system.log_out(tokens[-1]), "no logout")
    expect_dead(system, tokens, "still refreshes")


@case(LOGOUT)
def with_a_spent_token(system: System) -> None:
    """The refresh was a moment earlier, and its answer has not come yet."""
    spent, newest = spend(system)
    system.log_out(spent)
    expect_dead(system, [newest], "successor survives")


@case(LOGOUT)
def during_a_refresh(system: System) -> None:
    for _ in range(ROUNDS // 5):
        token = system.log_in().refresh
        both = [system.refreshing(token), system.logging_out(token)]
        answers = system.at_once(both * (MOST // 2))
        pairs = [pair for answer in answers[::2] if (pair := answer.pair)]
        expect_dead(system, [pair.refresh for pair in pairs], "successor survives")


ACCESS = "Access tokens end with the family"


@case(ACCESS, needs="access")
def after_reuse(system: System) -> None:
    spent = system.log_in()
    pairs = [spent, system.renewed(spent.refresh)]
    pairs.append(system.renewed(pairs[-1].refresh))
    system.refresh(spent.refresh)
    expect(not any(system.lets_in(pair.access) for pair in pairs), "still works")


@case(ACCESS, needs="access")
def after_a_logout(system: System) -> None:
    first = system.log_in()
    second = system.renewed(first.refresh)
    expect(system.lets_in(first.access), "ends with a refresh")
    system.log_out(second.refresh)
    expect(not any(map(system.lets_in, (first.access, second.access))), "still works")


@case(ACCESS, needs="access")
def after_a_logout_during_a_refresh(system: System) -> None:
    token = system.log_in().refresh
    both = [system.refreshing(token), system.logging_out(token)]
    answers = system.at_once(both * (MOST // 2))
    pairs = [pair for answer in answers[::2] if (pair := answer.pair)]
    expect(not any(system.lets_in(pair.access) for pair in pairs), "still works")


@case(ACCESS, needs="access")
def after_a_change_of_the_user(system: System) -> None:
    for pair in system.changed.values():
        expect(not system.lets_in(pair.access), "still works")


NEW_PASSWORD = "After a new password: refused"


@case(NEW_PASSWORD)
def new_password(system: System) -> None:
    expect_dead(system, [system.changed["password"].refresh], "still refreshes")


DISABLED = "After the user is disabled: refused"


@case(DISABLED)
def disabled(system: System) -> None:
    expect_dead(system, [system.changed["disabled"].refresh], "still refreshes")


ENABLED_AGAIN = "… and enabled again: refused"


@case(ENABLED_AGAIN)
def enabled_again(system: System) -> None:
    expect_dead(system, [system.changed["enabled-again"].refresh], "works again")


DELETED = "After the user is deleted: refused"


@case(DELETED)
def deleted(system: System) -> None:
    expect_dead(system, [system.changed["deleted"].refresh], "still refreshes")


KIND = "Access as refresh token, or the reverse: refused"


@case(KIND)
def access_as_refresh(system: System) -> None:
    pair = system.log_in()
    expect(not system.refresh(pair.access), "refreshes")
    expect(not system.log_out(pair.access), "logs out")
    expect(system.refresh(pair.refresh), "ends the family")


@case(KIND)
def refresh_as_access(system: System) -> None:
    pair = system.log_in()
    expect(system.lets_in(pair.access), "refuses a good token")
    expect(not system.lets_in(pair.refresh), "authenticates")


METHOD = "Another method than POST: refused"


@case(METHOD, clock=True)
def other_methods(system: System) -> None:
    for path in (system.adapter.refresh, system.adapter.logout):
        token = system.log_in().refresh
        for method in ("GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS"):
            body = {"refresh": token}
            for request in (
                Request(path, body, method=method),
                Request(f"{path}?refresh={token}", method=method),
            ):
                answer = system.send(request)
                expect(answer.status < 500, f"answers {answer.status}")
                expect("eyJ" not in answer.text, f"{method} refreshes")
        # From another place, and late: a token that had been spent would be refused.
        system.pass_time(minutes=1)
        expect(system.refresh(token, THIEF), "the token is spent")


# The clock stops once, so the cases that move it are the last.
ORDERED = sorted(CASES, key=attrgetter("clock"))
