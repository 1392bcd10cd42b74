import assert from "node:assert/strict";
import { test } from "node:test";

import { fits } from "../../schema/static/schema/sidebar.js";

const operation = {
  id: "endSession",
  method: "delete",
  path: "/api/sessions/{id}/",
  summary: "End one of my sessions",
  tags: ["sessions"],
  secured: true,
};

test("every word must be there, in any order and case", () => {
  for (const text of ["", "end", "SESSION delete", "my one", "/api/sessions/", "endsess"])
    assert.ok(fits(operation, text), text);
  for (const text of ["post", "end nothing"]) assert.ok(!fits(operation, text), text);
});
