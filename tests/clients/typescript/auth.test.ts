// The sign-in helper against the running service; tests/test_client_auth.py runs it.
import assert from "node:assert/strict";
import { env } from "node:process";
import { test } from "node:test";
import { setTimeout } from "node:timers/promises";

import { Auth, NotSignedIn, type AuthOptions, type Pair } from "./client/auth.js";

const { API_URL: baseUrl = "", HASTY_URL: hastyUrl = "", EXPIRED_ACCESS = "" } = env;
const { API_USER: username = "", API_PASSWORD: password = "", HASTY_USER = "" } = env;
const profile = `${baseUrl}/api/profile/`;

/** An `Auth`, and the pairs and statuses that pass through it. */
function watched(options: Partial<AuthOptions>) {
  const pairs: (Pair | null)[] = [];
  const statuses: number[] = [];
  const auth = new Auth({
    baseUrl,
    onChange: (pair) => pairs.push(pair),
    fetch: async (request) => {
      const answer = await fetch(request);
      statuses.push(answer.status);
      return answer;
    },
    ...options,
  });
  return { auth, pairs, statuses };
}

async function post(path: string, body: object): Promise<Response> {
  const headers = { "Content-Type": "application/json" };
  return fetch(baseUrl + path, { method: "POST", headers, body: JSON.stringify(body) });
}

async function signedIn(): Promise<Pair> {
  return (await (await post("/api/token/", { username, password })).json()) as Pair;
}

/** The access token has expired; the refresh token is good. */
async function expired(): Promise<Pair> {
  return { ...(await signedIn()), access: EXPIRED_ACCESS };
}

const refused = (reason: string) => (error: unknown) =>
  error instanceof NotSignedIn && (error.reason ?? error.code) === reason;

test("signs in once when first needed, for parallel calls too", async () => {
  const { auth, pairs } = watched({ username, password });

  const answers = await Promise.all([1, 2, 3].map(() => auth.fetch(profile)));
  await auth.fetch(profile);

  assert.deepEqual(answers.map((answer) => answer.status), [200, 200, 200]);
  assert.equal(pairs.length, 1);
});

test("renews before the service refuses", async () => {
  const { auth, pairs, statuses } = watched({
    baseUrl: hastyUrl,
    username: HASTY_USER,
    password,
  });
  await auth.fetch(`${hastyUrl}/api/profile/`);
  await setTimeout(2000);

  await auth.fetch(`${hastyUrl}/api/profile/`);

  assert.equal(pairs.length, 2);
  assert.notEqual(pairs[0]?.refresh, pairs[1]?.refresh);
  assert.deepEqual([...new Set(statuses)], [200]);
});

test("repeats a call that was too late, with its body", async () => {
  const pair = await expired();
  const { auth, pairs } = watched({ pair });
  const headers = { "Content-Type": "application/json" };

  const answer = await auth.fetch(profile, {
    method: "PATCH",
    headers,
    body: JSON.stringify({ last_name: "Lovelace" }),
  });

  assert.equal(((await answer.json()) as { last_name: string }).last_name, "Lovelace");
  assert.notEqual(pairs[0]?.refresh, pair.refresh);
});

test("parallel calls renew once", async () => {
  const { auth, pairs, statuses } = watched({ pair: await expired() });

  const answers = await Promise.all(Array.from({ length: 8 }, () => auth.fetch(profile)));

  assert.ok(answers.every((answer) => answer.status === 200));
  assert.equal(statuses.filter((status) => status === 401).length, 8);
  assert.equal(pairs.length, 1);
});

test("a lost answer does not end the session", async () => {
  let lost = false;
  const { auth } = watched({
    pair: await expired(),
    fetch: async (request) => {
      const answer = await fetch(request);
      if (lost || !request.url.endsWith("/refresh/")) return answer;
      lost = true;
      throw new TypeError("lost");
    },
  });

  assert.equal((await auth.fetch(profile)).status, 200);
  assert.ok(lost);
});

test("signs in again when the session was ended, or says that it was", async () => {
  const pair = await signedIn();
  await post("/api/token/blacklist/", { refresh: pair.refresh });
  const again = watched({ username, password, pair });
  const without = watched({ pair });

  assert.equal((await again.auth.fetch(profile)).status, 200);
  await assert.rejects(without.auth.fetch(profile), refused("session_ended"));
  assert.deepEqual(without.pairs, [null]);
});

test("says that the refresh token was used elsewhere", async () => {
  const pair = await expired();
  let { refresh } = pair;
  for (let times = 0; times < 2; times += 1) {
    ({ refresh } = (await (await post("/api/token/refresh/", { refresh })).json()) as Pair);
  }

  await assert.rejects(watched({ pair }).auth.fetch(profile), refused("reused"));
});

test("says why it could not sign in", async () => {
  const { auth } = watched({ username, password: "wrong" });

  await assert.rejects(auth.fetch(profile), refused("no_active_account"));
});

test("signing out ends the session", async () => {
  const { auth, pairs } = watched({ username, password });
  await auth.fetch(profile);
  const headers = { Authorization: `Bearer ${pairs[0]?.access}` };

  await auth.signOut();

  const answer = (await (await fetch(profile, { headers })).json()) as { reason: string };
  assert.equal(answer.reason, "session_ended");
  assert.equal(pairs[1], null);
  await assert.rejects(auth.fetch(profile), refused("not_authenticated"));
  await auth.signOut();
});

test("shows the token to nobody else", async () => {
  const seen: (string | null)[] = [];
  const { auth } = watched({
    pair: { access: "secret", refresh: "secret" },
    fetch: async (request) => {
      seen.push(request.headers.get("Authorization"));
      return new Response();
    },
  });

  await auth.fetch("http://other.example/api/profile/");
  await auth.fetch(`${baseUrl}/api/token/verify/`, { method: "POST", body: "{}" });
  await auth.fetch(profile);

  assert.deepEqual(seen, [null, null, "Bearer secret"]);
});
