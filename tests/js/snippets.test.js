import assert from "node:assert/strict";
import { test } from "node:test";

import { snippets } from "../../schema/static/schema/snippets.js";

const JWT = "eyJhbGciOiJub25lIn0.eyJzdWIiOiIxIn0.c2ln";

/** As Swagger UI's, which is immutable. */
const request = (fields) => ({
  get: (name) => fields[name],
  getIn: ([first, second]) => fields[first]?.[second],
});
const read = request({
  method: "GET",
  url: "http://127.0.0.1/a/?b='c'",
  headers: { Authorization: `Bearer ${JWT}` },
});
const write = request({ method: "POST", url: "/a/", headers: {}, body: `{"token":"${JWT}"}` });

test("curl quotes for a shell", () => {
  assert.equal(
    snippets.curl(read),
    `curl -X GET 'http://127.0.0.1/a/?b='\\''c'\\''' \\\n  -H "Authorization: Bearer $ACCESS_TOKEN"`,
  );
});

test("a body is sent as JSON", () => {
  assert.match(snippets.curl(write), /-H 'Content-Type: application\/json' \\\n {2}-d '/);
  assert.match(snippets.Python(write), /headers=\{"Content-Type": "application\/json"\}/);
  assert.match(snippets.JavaScript(write), /headers: \{ "Content-Type": "application\/json" \}/);
});

test("no language shows a token", () => {
  for (const write_ of [read, write])
    for (const make of Object.values(snippets)) assert.doesNotMatch(make(write_), /eyJ/);
});

test("JavaScript is JavaScript", () => {
  const AsyncFunction = (async () => {}).constructor;

  for (const one of [read, write]) assert.ok(AsyncFunction(snippets.JavaScript(one)));
});

test("a body may be an immutable object", () => {
  const body = { toJS: () => ({ name: "ada" }) };

  assert.match(snippets.curl(request({ method: "PUT", url: "/", body })), /-d '\{"name":"ada"\}'/);
});
