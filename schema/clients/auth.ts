/**
 * Stay signed in to authapi: a `fetch` for the generated client, or for use as it is.
 *
 *     import createClient from "openapi-fetch";
 *     import { Auth } from "./client/auth.js";
 *     import type { paths } from "./client/schema.js";
 *
 *     const auth = new Auth({ baseUrl, username: "ada", password: "her password" });
 *     const api = createClient<paths>({ baseUrl, fetch: auth.fetch });
 *     const { data, error } = await api.GET("/api/profile/");
 *     await auth.signOut();
 *
 * The first call signs in. The access token is renewed before it expires, once however many calls
 * run in parallel, and the refresh token that comes with the new one is kept.
 */

/** What signing in gives. Who has it is signed in: keep it as you would a password. */
export interface Pair {
  access: string;
  refresh: string;
}

export interface AuthOptions {
  /** Where the service is. Only calls to it carry the token. */
  baseUrl: string;
  username?: string;
  password?: string;
  /** The pair of an earlier run; it is used while its session lasts. */
  pair?: Pair;
  /** Told each new pair, to store it, and `null` when the session is over. */
  onChange?: (pair: Pair | null) => void;
  /** What sends the requests, if not the platform's `fetch`. */
  fetch?: (request: Request) => Promise<Response>;
}

/**
 * There is no session, and none could be opened.
 *
 * `code` is the problem's: `no_active_account` (user name or password are wrong), `throttled`
 * (wait `retryAfter` seconds), `token_not_valid` (let the user sign in again; `reason` is
 * `session_ended` or `reused`), `not_authenticated` (there was never anything to sign in with, or
 * `signOut` was called).
 */
export class NotSignedIn extends Error {
  override readonly name = "NotSignedIn";

  constructor(
    readonly code: string,
    detail: string,
    readonly reason: string | null = null,
    readonly retryAfter: number | null = null,
  ) {
    super(detail);
  }
}

/**
 * Signs in when first needed, stays signed in, signs out.
 *
 * Give it a user name and a password, or the `pair` of an earlier run, or both. Let all calls that
 * act for one user share one object, and never copy its pair: a refresh token that is used twice
 * ends the session. Calls to `/api/token/` bring what they need and are sent as they are.
 *
 * Any call may throw `NotSignedIn`. When the service cannot be reached it throws what `fetch`
 * throws, when it is out of order an `Error`, and the pair is kept.
 */
export class Auth {
  readonly #baseUrl: string;
  readonly #send: (request: Request) => Promise<Response>;
  readonly #onChange: (pair: Pair | null) => void;
  #credentials: { username: string; password: string } | null;
  #pair: Pair | null;
  /** On the clock that nobody sets. A stored pair is good until the service says otherwise. */
  #renewAt = Infinity;
  /** What parallel calls wait for: one of them signs in or renews. */
  #coming: Promise<Pair> | null = null;

  constructor(options: AuthOptions) {
    this.#baseUrl = new URL(options.baseUrl).href.replace(/\/+$/, "");
    this.#send = options.fetch ?? ((request) => globalThis.fetch(request));
    this.#onChange = options.onChange ?? (() => {});
    const { username, password = "" } = options;
    this.#credentials = username ? { username, password } : null;
    this.#pair = options.pair ?? null;
  }

  /** Does as `fetch` does, signed in. It needs no `this`: hand it to a client. */
  readonly fetch = async (input: RequestInfo | URL, init?: RequestInit): Promise<Response> => {
    const request = new Request(input, init);
    if (!this.#concerns(request)) return this.#send(request);
    const sent = await this.#ready();
    // A body can be read once, and the call may have to be sent a second time.
    const spare = request.clone();
    const response = await this.#send(signed(request, sent));
    if (response.status !== 401) return response;
    const pair = await this.#recover(sent, await problemOf(response.clone()));
    return pair === sent ? response : this.#send(signed(spare, pair));
  };

  /** Ends the session, here and at the service. Nothing can be called with this object after. */
  async signOut(): Promise<void> {
    await this.#coming?.catch(() => {});
    if (this.#pair) {
      const answer = await this.#post("/api/token/blacklist/", { refresh: this.#pair.refresh });
      // 401: it had ended before.
      if (answer.status !== 204 && answer.status !== 401) throw await refusal(answer);
    }
    this.#credentials = null;
    this.#change(null);
  }

  #concerns(request: Request): boolean {
    if (!request.url.startsWith(`${this.#baseUrl}/`)) return false;
    return !request.url.startsWith(`${this.#baseUrl}/api/token/`);
  }

  /** A pair that is good for a while. */
  async #ready(): Promise<Pair> {
    if (this.#coming) return this.#coming;
    const pair = this.#pair;
    if (!pair) {
      const problem = new NotSignedIn("not_authenticated", "There is nothing to sign in with.");
      return this.#once(() => this.#signIn(problem));
    }
    if (performance.now() >= this.#renewAt) return this.#once(() => this.#renew(pair));
    return pair;
  }

  /** Another pair than the one `sent`, if that was at fault. */
  async #recover(sent: Pair, problem: NotSignedIn): Promise<Pair> {
    // Another call has seen to it, or seen the end.
    if (this.#coming || this.#pair !== sent) return this.#ready();
    if (problem.reason === "expired") return this.#once(() => this.#renew(sent));
    if (problem.code === "token_not_valid") {
      return this.#once(() => this.#signIn(problem));
    }
    return sent;
  }

  async #once(change: () => Promise<Pair>): Promise<Pair> {
    this.#coming = change().finally(() => {
      this.#coming = null;
    });
    return this.#coming;
  }

  async #renew(pair: Pair): Promise<Pair> {
    const body = { refresh: pair.refresh };
    const asked = performance.now();
    // If only the answer was lost, the same token gets the same successor for ten seconds.
    const answer = await this.#post("/api/token/refresh/", body).catch(() =>
      this.#post("/api/token/refresh/", body),
    );
    if (answer.status === 401) return this.#signIn(await problemOf(answer));
    return this.#keep(answer, asked);
  }

  /** Signs in, or throws `problem` if there is nothing to sign in with. */
  async #signIn(problem: NotSignedIn): Promise<Pair> {
    if (this.#pair) this.#change(null);
    if (!this.#credentials) throw problem;
    const asked = performance.now();
    return this.#keep(await this.#post("/api/token/", this.#credentials), asked);
  }

  async #keep(answer: Response, asked: number): Promise<Pair> {
    if (answer.status !== 200) throw await refusal(answer);
    const { access, refresh } = (await answer.json()) as Pair;
    const lifetime = lifetimeOf(access);
    this.#renewAt = asked + 1000 * (lifetime - Math.min(30, lifetime / 10));
    const pair = { access, refresh };
    this.#change(pair);
    return pair;
  }

  #change(pair: Pair | null): void {
    this.#pair = pair;
    this.#onChange(pair);
  }

  #post(path: string, body: Record<string, string>): Promise<Response> {
    const headers = { "Content-Type": "application/json" };
    const init = { method: "POST", headers, body: JSON.stringify(body) };
    return this.#send(new Request(this.#baseUrl + path, init));
  }
}

function signed(request: Request, pair: Pair): Request {
  request.headers.set("Authorization", `Bearer ${pair.access}`);
  return request;
}

/** For how long a token is good, in seconds, by its own claims: no clock can be wrong. */
function lifetimeOf(token: string): number {
  const payload = token.split(".")[1] ?? "";
  const text = atob(payload.replaceAll("-", "+").replaceAll("_", "/"));
  const { exp, iat } = JSON.parse(text) as { exp: number; iat: number };
  return exp - iat;
}

/** What to throw for an answer that brings nothing. */
async function refusal(answer: Response): Promise<Error> {
  if (answer.status >= 400 && answer.status < 500) return problemOf(answer);
  return new Error(`The service answered ${answer.status}.`);
}

async function problemOf(answer: Response): Promise<NotSignedIn> {
  const isProblem = answer.headers.get("Content-Type") === "application/problem+json";
  const problem = (isProblem ? await answer.json() : {}) as {
    code?: string;
    detail?: string;
    reason?: string;
  };
  const retryAfter = answer.headers.get("Retry-After");
  return new NotSignedIn(
    problem.code ?? "unknown",
    problem.detail ?? `The service answered ${answer.status}.`,
    problem.reason ?? null,
    retryAfter && /^\d+$/.test(retryAfter) ? Number(retryAfter) : null,
  );
}
