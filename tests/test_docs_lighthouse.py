"""What Lighthouse finds on the docs page."""

import json

import pytest

from tests.browser import CHROMIUM_ARGUMENTS, find_chromium


@pytest.mark.parametrize("form", ["mobile", "desktop"])
def test_lighthouse(node, service, tmp_path, monkeypatch, form, record_property):
    """
    Accessibility, best practices and layout shift must be perfect. Performance depends on the machine,
    so it is only printed. (``test_docs_page`` limits the bytes, without the headers that Lighthouse adds.)
    """
    monkeypatch.setenv("CHROME_PATH", find_chromium())
    report = tmp_path / "report.json"

    # Chromium sometimes records no trace, and Lighthouse then asks to be run again.
    for _ in range(3):
        done = node(
            "node_modules/lighthouse/cli/index.js",
            f"{service.url}/api/docs/",
            "--only-categories=performance,accessibility,best-practices",
            f"--chrome-flags=--headless=new {' '.join(CHROMIUM_ARGUMENTS)}",
            *(["--preset=desktop"] if form == "desktop" else []),
            *("--output=json", f"--output-path={report}"),
            *("--quiet", "--no-enable-error-reporting"),
        )
        if "Please run Lighthouse again" not in done.stderr:
            break

    assert done.returncode == 0, done.stderr
    found = json.loads(report.read_text())
    scores = {
        name: round(category["score"] * 100)
        for name, category in found["categories"].items()
    }
    shift = found["audits"]["cumulative-layout-shift"]["numericValue"]
    weight = round(found["audits"]["total-byte-weight"]["numericValue"])
    record_property(
        "said", f"the docs page, {form}: {scores}, shift {shift}, {weight:,} bytes"
    )
    failing = [
        f"{audit['id']}: {audit.get('displayValue', '')} {audit['title']}"
        for audit in found["audits"].values()
        if audit["score"] == 0 and audit["scoreDisplayMode"] == "binary"
    ]
    assert scores["accessibility"] == 100, failing
    assert scores["best-practices"] == 100, failing
    moved = [
        item.get("node", {}).get("snippet")
        for item in found["audits"]["layout-shifts"].get("details", {}).get("items", [])
    ]
    assert shift < 0.01, moved
