"""The docs page stays signed in: over reloads, renewals, tabs and outages."""

from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import expect

from tests.browser import (
    REFRESH,
    answer_of,
    execute,
    expire,
    has_status,
    operation,
    sign_in,
    signed_in,
    status,
)


def test_survives_a_reload(page):
    sign_in(page)
    signed_in(page)

    page.reload()

    signed_in(page)
    has_status(execute(page, "getProfile"), 200)


@pytest.mark.requirement("ASVS 14.3.1", "ASVS 14.3.3")
def test_ends_with_the_tab(page, tab):
    sign_in(page)
    signed_in(page)

    expect(tab().get_by_label("User name")).to_be_visible()


def test_renews_before_the_token_expires(tab, refreshes):
    page = tab(now=datetime.now(UTC))
    sign_in(page)
    signed_in(page)

    page.clock.fast_forward(285_000)
    has_status(execute(page, "listSessions"), 200)
    assert refreshes == []
    with page.expect_response(f"**{REFRESH}") as answer:
        page.clock.fast_forward(6_000)

    assert answer.value.status == 200
    has_status(execute(page, "getProfile"), 200)
    assert len(refreshes) == 1


@pytest.mark.parametrize("hours", [-1, 1])
def test_works_with_a_wrong_clock(tab, refreshes, hours):
    page = tab(now=datetime.now(UTC) + timedelta(hours=hours))
    sign_in(page)
    signed_in(page)

    page.clock.fast_forward(60_000)
    has_status(execute(page, "getProfile"), 200)

    assert refreshes == []


def test_a_call_after_expiry_renews_once(page, refreshes):
    sign_in(page)
    signed_in(page)
    expire(page)

    has_status(execute(page, "getProfile"), 200)

    assert len(refreshes) == 1


def test_simultaneous_calls_renew_once(page, refreshes):
    sign_in(page)
    signed_in(page)
    expire(page)
    for operation_id in ("getProfile", "listSessions"):
        operation(page, operation_id)

    page.evaluate("document.querySelectorAll('button.execute').forEach(b => b.click())")

    for operation_id in ("getProfile", "listSessions"):
        has_status(answer_of(operation(page, operation_id)), 200)
    assert len(refreshes) == 1


def test_two_tabs_renew_once(page, tab, refreshes):
    sign_in(page)
    signed_in(page)
    state = expire(page)
    twin = tab(state)
    signed_in(twin)
    for one in (page, twin):
        operation(one, "getProfile")

    for one in (page, twin):
        one.evaluate(
            "setTimeout(() => document.querySelector('button.execute').click(), 50)"
        )

    for one in (page, twin):
        has_status(answer_of(operation(one, "getProfile")), 200)
    assert len(refreshes) == 1


@pytest.mark.requirement("ASVS 14.3.1")
def test_signing_out_also_signs_out_a_duplicated_tab(page, tab):
    sign_in(page)
    signed_in(page)
    twin = tab(page.evaluate("sessionStorage['authapi.session']"))
    signed_in(twin)

    page.locator("#user").click()
    page.locator("#sign-out").click()

    expect(status(twin)).to_have_text("Signed out.")
    expect(twin.get_by_label("User name")).to_be_visible()


def test_survives_a_temporary_server_failure(page):
    sign_in(page)
    signed_in(page)
    expire(page)
    page.route(f"**{REFRESH}", lambda route: route.fulfill(status=503))
    execute(page, "getProfile")
    expect(status(page)).to_contain_text("trying again")

    page.unroute(f"**{REFRESH}")

    has_status(execute(page, "getProfile"), 200)
    signed_in(page)
    expect(status(page)).to_be_empty()
