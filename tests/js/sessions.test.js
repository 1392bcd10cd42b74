import assert from "node:assert/strict";
import { test } from "node:test";

import { ago, device } from "../../schema/static/schema/sessions.js";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

test("ago is as one would say it", () => {
  const said = [0, 59_000, MINUTE, 2 * HOUR, 25 * HOUR, 3 * DAY].map((past) => ago(-past, 0));

  assert.deepEqual(said, ["now", "now", "1 minute ago", "2 hours ago", "yesterday", "3 days ago"]);
});

test("ago does not speak of the future", () => {
  assert.equal(ago(5 * MINUTE, 0), "now");
});

for (const [name, userAgent] of [
  ["Firefox on Android", "Mozilla/5.0 (Android 16; Mobile; rv:145.0) Gecko/145.0 Firefox/145.0"],
  [
    "Edge on Windows",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36 Edg/142.0.0.0",
  ],
  [
    "Chrome on iPhone",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 26_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/142.0 Mobile/15E148 Safari/604.1",
  ],
  [
    "Safari on macOS",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.0 Safari/605.1.15",
  ],
  ["curl", "curl/8.5.0"],
  ["python-httpx", "python-httpx/0.28.1"],
  ["Unknown device", ""],
])
  test(`device says ${name}`, () => assert.equal(device(userAgent), name));
