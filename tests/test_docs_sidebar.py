"""The sidebar of the docs page, over Swagger UI's deep links."""

from playwright.sync_api import expect

from tests.browser import block


def test_lists_the_documents_operations_in_the_order_of_use(page, service):
    document = service.client.get("/api/schema/?format=json").json()
    listed = page.locator("#operations-list")

    expect(listed.locator("summary").first).to_have_text("token")
    tags = listed.locator("summary").all_text_contents()
    assert tags == [tag["name"] for tag in document["tags"]]
    assert listed.locator("a").count() == sum(
        len(path) for path in document["paths"].values()
    )
    assert listed.locator("a .method").first.text_content() == "post"


def test_collapses_the_teaching_variant(page):
    expect(page.locator("#operations-list details").first).to_have_attribute("open", "")
    last = page.locator("#operations-list details").last

    expect(last.locator("summary")).to_have_text("manual")
    expect(last.locator("a").first).to_be_hidden()
    expect(block(page, "manualLogin")).to_have_count(0)


def test_opens_an_operation_below_the_bar_and_marks_it(page):
    link = page.locator("#sidebar a[href='#/sessions/endSession']")

    link.click()

    found = block(page, "endSession")
    expect(found.locator("button.execute")).to_be_visible()
    expect(link).to_have_attribute("aria-current", "true")
    expect(found.locator(".opblock-summary-control")).to_be_in_viewport(ratio=1)
    bar, place = page.locator(".bar").bounding_box(), found.bounding_box()
    assert bar
    assert place
    assert place["y"] >= bar["height"]

    found.locator(".opblock-summary-control").click()
    expect(link).not_to_have_attribute("aria-current", "true")


def test_a_deep_link_expands_its_collapsed_tag(tab):
    page = tab(at="/api/docs/#/manual/manualProfile")

    expect(block(page, "manualProfile").locator("button.execute")).to_be_visible()
    link = page.locator("#sidebar a[href='#/manual/manualProfile']")
    expect(link).to_have_attribute("aria-current", "true")


def test_follows_browser_history(page):
    page.locator("#sidebar a[href='#/token/createToken']").click()
    page.locator("#sidebar a[href='#/sessions/endSession']").click()
    expect(block(page, "endSession")).to_be_in_viewport()

    page.go_back()

    expect(block(page, "createToken")).to_be_in_viewport()


def test_slash_focuses_the_filter(page):
    expect(page.locator("#operations-list a").first).to_be_visible()

    page.keyboard.press("/")
    expect(page.get_by_label("Filter")).to_be_focused()
    page.keyboard.type("delete session")

    shown = page.locator("#operations-list a").filter(visible=True)
    expect(shown).to_have_text(
        ["Sign out everywhere elsedel", "End one of my sessionsdel"]
    )
    page.keyboard.type(" nonsense")
    expect(page.get_by_text("No operation matches.")).to_be_visible()


def test_slash_in_a_field_is_typed(page):
    page.get_by_label("User name").press("/")

    expect(page.get_by_label("User name")).to_have_value("/")


def test_is_a_drawer_on_a_small_screen(page):
    page.set_viewport_size({"width": 375, "height": 667})
    link = page.locator("#sidebar a[href='#/profile/getProfile']")
    expect(link).to_be_hidden()

    page.get_by_role("button", name="List of operations").click()
    link.click()

    expect(link).to_be_hidden()
    expect(block(page, "getProfile")).to_be_in_viewport()
