// What a TypeScript program does with the generated client; tests/test_clients.py runs it.
import assert from "node:assert/strict";
import { env } from "node:process";

import createClient from "openapi-fetch";

import { Auth, type Pair } from "./client/auth.js";
import type { ProblemCode, ProblemReason, UserProfile, paths } from "./client/schema.js";

const { API_URL: baseUrl = "", API_USER: username = "", API_PASSWORD: password = "" } = env;
const anyone = createClient<paths>({ baseUrl });
const login = (password: string) =>
  anyone.POST("/api/token/", { body: { username, password } });
const bearer = (token: string) =>
  createClient<paths>({ baseUrl, headers: { Authorization: `Bearer ${token}` } });
const signedIn = (auth: Auth) => createClient<paths>({ baseUrl, fetch: auth.fetch });

/** Fails to compile, too, where `code` is not one of the document's. */
function assertCode(problem: { code: ProblemCode } | undefined, code: ProblemCode): void {
  assert.equal(problem?.code, code);
}

function assertReason(problem: { reason?: ProblemReason } | undefined, reason: ProblemReason): void {
  assert.equal(problem?.reason, reason);
}

const { data: pair } = await login(password);
assert.ok(pair);
console.log("login");

const auth = new Auth({ baseUrl, pair });
const client = signedIn(auth);
const { data: profile } = await client.GET("/api/profile/");
assert.equal(profile?.username, username);
console.log("profile");

const { data: changed } = await client.PATCH("/api/profile/", { body: { first_name: "Ada" } });
assert.deepEqual(changed, { ...profile, first_name: "Ada" } satisfies UserProfile);

const { error: invalid } = await client.PATCH("/api/profile/", { body: { email: "none" } });
assertCode(invalid, "invalid");
assert.ok(invalid?.errors?.["email"]?.[0]);
console.log("update");

const expired: Pair = { access: env["EXPIRED_ACCESS"] ?? "", refresh: env["REFRESH"] ?? "" };
assertReason((await bearer(expired.access).GET("/api/profile/")).error, "expired");
const kept: (Pair | null)[] = [];
const late = signedIn(new Auth({ baseUrl, pair: expired, onChange: (pair) => kept.push(pair) }));
assert.ok((await late.GET("/api/profile/")).data);
const body = { refresh: kept[0]?.refresh ?? "" };
const { data: again } = await anyone.POST("/api/token/refresh/", { body });
assert.ok(again);
assert.ok((await bearer(again.access).GET("/api/profile/")).data);
console.log("renewal");

const wrong = await login("wrong");
assert.equal(wrong.response.status, 401);
assertCode(wrong.error, "no_active_account");
console.log("wrong password");

let refused = wrong;
for (let tries = 0; tries < 20 && refused.response.status !== 429; tries += 1) {
  refused = await login("wrong");
}
assertCode(refused.error, "throttled");
const wait = Number(refused.response.headers.get("Retry-After"));
assert.ok(wait > 0 && wait <= 60);
console.log("throttled");

await auth.signOut();
assertReason((await bearer(pair.access).GET("/api/profile/")).error, "session_ended");
console.log("logout");
