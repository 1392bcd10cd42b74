import assert from "node:assert/strict";
import { afterEach, mock, test } from "node:test";

import { claims, describe, explain, post, span, tidy } from "../../schema/static/schema/service.js";

const token = (payload) => `e30.${Buffer.from(JSON.stringify(payload)).toString("base64url")}.c2ln`;
const answers = (status, body, headers = {}) =>
  mock.method(globalThis, "fetch", async () => Response.json(body, { status, headers }));

afterEach(() => mock.restoreAll());

test("claims reads what base64url alone has", () => {
  assert.deepEqual(claims(token({ name: "a~~?>" })), { name: "a~~?>" });
});

test("claims is null for what is not a token", () => {
  for (const text of [null, undefined, "", "nonsense", "a.b.c", "a..c"])
    assert.equal(claims(text), null);
});

test("tidy takes off space and Bearer, in any case", () => {
  for (const pasted of ["abc", "  abc\n", "Bearer abc", "bearer   abc ", "BEARER\tabc"])
    assert.equal(tidy(pasted), "abc");
});

test("span has the unit of which there are two or more", () => {
  const said = [0, 1, 59, 119, 120, 7199, 7200, 172799, 172800, 1209600].map(span);

  assert.deepEqual(said, [
    "for 0 seconds",
    "for 1 second",
    "for 59 seconds",
    "for 119 seconds",
    "for 2 minutes",
    "for 120 minutes",
    "for 2 hours",
    "for 48 hours",
    "for 2 days",
    "for 14 days",
  ]);
});

test("post gives an answer when the server cannot be reached", async () => {
  mock.method(globalThis, "fetch", () => Promise.reject(new TypeError("down")));

  assert.equal((await post("/api/token/", {})).status, 0);
});

test("explain says what to do", async () => {
  const problem = (status, body, headers) => explain(Response.json(body, { status, headers }));

  assert.match(await problem(429, {}, { "Retry-After": "17" }), /again in 17 seconds/);
  assert.match(await problem(503, {}), /does not respond/);
  assert.match(await problem(401, { code: "no_active_account" }), /No active account/);
  assert.equal(await problem(400, { detail: "Because." }), "Because.");
  assert.equal(await explain(new Response("<html>", { status: 418 })), "The server answered 418.");
});

test("describe tells the kinds of tokens apart", async () => {
  const status = { token_type: "access", username: "ada", expires_in: 300 };
  answers(200, status);

  assert.match(await describe("nonsense", "/verify"), /is not a token/);
  assert.match(await describe(token({ token_type: "refresh" }), "/verify"), /refresh token/);
  assert.equal(
    await describe(token({ token_type: "access" }), "/verify"),
    "Using the pasted access token of ada, for 5 minutes. It is not renewed.",
  );
});

test("describe says why a token is refused", async () => {
  answers(401, { code: "token_not_valid", detail: "The access token has expired." });

  assert.match(await describe(token({}), "/verify"), /refused. The access token has expired/);
});
