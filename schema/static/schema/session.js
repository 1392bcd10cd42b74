/*
 * A session kept alive: signs in, renews in time and at a 401, signs out. Tokens live in this tab
 * (sessionStorage) and go to the service alone, and to tabs of the same session: they renew once.
 */

const KEY = "authapi.session";
const MARGIN = 10; // seconds before the end at which the access token is renewed
const RETRY = 5; // seconds until the next try when the server does not answer

const REASONS = {
  session_ended: "Signed out: the session has ended. Sign in again.",
  token_reused: "Signed out: an old token was used again, so the session was ended to be safe.",
};

export class Session {
  /** `paths` are the service's; `page.changed(state, runs)` and `page.say(message)` show what happens. */
  constructor(paths, page) {
    this.paths = paths;
    this.page = page;
    this.state = null;
  }

  /** Take up the session that this tab had before a reload. */
  async resume() {
    const kept = JSON.parse(sessionStorage.getItem(KEY) ?? "null");
    if (kept) await this.#adopt(kept);
    if (kept && (!this.#fresh() || !kept.username)) await this.renew();
  }

  async signIn(username, password) {
    const answer = await post(this.paths.login, { username, password });
    if (answer.ok) await this.#accept(await answer.json());
    this.page.say(answer.ok ? "" : await excuse(answer));
    return answer.ok;
  }

  /** End the session on the server, then forget it; kept when the server does not answer. */
  async signOut() {
    const answer = await post(this.paths.logout, { refresh: this.state.refresh });
    if (!answer.ok && answer.status !== 401) {
      this.#keep();
      this.page.say(`Still signed in. ${await excuse(answer)}`);
      return;
    }
    this.#forget("Signed out.");
  }

  async signOutOthers() {
    const answer = await this.fetch(this.paths.sessions, {
      method: "DELETE",
      headers: { Authorization: `Bearer ${this.state.access}` },
    });
    this.page.say(answer.ok ? "All other sessions of this account have ended." : await excuse(answer));
  }

  /**
   * As `fetch`, for requests from this page. With a token of this session it renews before the end
   * and once at a 401; a pair or a 204 that passes by is taken to heart.
   */
  async fetch(url, options) {
    const ours = () => sid(bearer(options)) === this.state?.sid && Boolean(this.state);
    const withCurrent = () => ({
      ...options,
      headers: { ...options.headers, Authorization: `Bearer ${this.state.access}` },
    });
    if (ours() && !this.#fresh()) await this.renew();
    const first = ours() ? this.state.access : null;
    let answer = await fetch(url, first ? withCurrent() : options);
    if (answer.status === 401 && first) {
      if (this.state?.access === first) await this.renew();
      if (this.state && this.state.access !== first) answer = await fetch(url, withCurrent());
    }
    await this.#learn(new URL(url, location.href).pathname, options, answer.clone());
    return answer;
  }

  /** Exchange the refresh token, once however many ask: in this tab, and over all tabs. */
  renew() {
    this.renewing ??= this.#renew().finally(() => (this.renewing = null));
    return this.renewing;
  }

  async #renew() {
    const { sid, refresh } = this.state;
    await navigator.locks.request(`${KEY}.${sid}`, async () => {
      await this.#askTwins();
      if (this.state?.refresh === refresh) await this.#exchange(refresh);
    });
  }

  /** Hear from the other tabs of this session, if there are any, whether they have a newer pair. */
  async #askTwins() {
    if (!this.twins) return;
    const answered = new Promise((resolve) => (this.answered = resolve));
    this.channel.postMessage({ ask: true });
    await Promise.race([answered, pause(1)]);
  }

  #hear(message) {
    this.twins = true;
    if (message.over) return this.#drop(message.over);
    if (!this.state) return;
    if (message.ask) return this.channel.postMessage(this.state);
    if (message.at > this.state.at) this.#adopt(message);
    this.answered?.();
  }

  async #exchange(refresh) {
    const answer = await post(this.paths.refresh, { refresh });
    if (answer.ok) {
      await this.#accept(await answer.json());
      if (this.unanswered) this.page.say("");
      this.unanswered = false;
    } else if (answer.status === 401) this.#forget(REASONS[(await answer.json()).code] ?? REASONS.session_ended);
    else {
      this.unanswered = true;
      this.page.say(`Not renewed yet, trying again. ${await excuse(answer)}`);
      this.#later(Number(answer.headers.get("Retry-After")) || RETRY);
    }
  }

  /** Take a pair that the service has just given. */
  async #accept({ access, refresh }) {
    const { exp, iat, sid } = claims(access);
    const session = claims(refresh);
    // This computer's clock may be wrong: it is only asked how long ago something was.
    await this.#adopt({
      ...(this.state?.sid === sid ? this.state : {}),
      ...{ access, refresh, sid, at: Date.now() },
      ...{ life: exp - iat, sessionLife: session.exp - session.iat },
    });
    this.channel.postMessage(this.state);
  }

  async #adopt(state) {
    if (this.channel?.name !== `${KEY}.${state.sid}`) {
      this.channel?.close();
      this.channel = new BroadcastChannel(`${KEY}.${state.sid}`);
      this.channel.onmessage = ({ data }) => this.#hear(data);
      this.twins = false;
      this.channel.postMessage({ ask: true });
    }
    this.state = state;
    this.#keep();
    this.#later(state.life - age(state) - margin(state));
    if (state.username) return;
    const answer = await post(this.paths.verify, { token: state.refresh });
    if (!answer.ok || this.state?.sid !== state.sid) return;
    this.state.username = (await answer.json()).username;
    this.#keep();
  }

  #keep() {
    sessionStorage.setItem(KEY, JSON.stringify(this.state));
    this.page.changed(this.state, span(this.state.sessionLife - age(this.state)));
  }

  #later(seconds) {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.state && this.renew(), Math.max(0, seconds) * 1000);
  }

  #fresh() {
    return age(this.state) < this.state.life;
  }

  /** Tell the other tabs of this session that it is over, and drop it. */
  #forget(reason) {
    this.channel?.postMessage({ over: reason });
    this.#drop(reason);
  }

  #drop(reason) {
    clearTimeout(this.timer);
    sessionStorage.removeItem(KEY);
    this.state = null;
    this.page.changed(null);
    this.page.say(reason);
  }

  async #learn(path, options, answer) {
    const { login, refresh, logout } = this.paths;
    if (answer.ok && (path === login || path === refresh)) {
      await this.#accept(await answer.json());
      this.page.say("Signed in with the pair of this answer.");
    } else if (answer.ok && path === logout && sid(JSON.parse(options.body).refresh) === this.state?.sid) {
      this.#forget("Signed out.");
    } else if (answer.status === 401 && this.state && sid(bearer(options)) === this.state.sid) {
      const { code } = await answer.json();
      if (REASONS[code]) this.#forget(REASONS[code]);
    }
  }
}

/** Say in words what a pasted token is. */
export async function describe(token, verifyPath) {
  const kind = claims(token)?.token_type;
  if (!kind) return "What you pasted is no token: it has three parts, with dots between them.";
  if (kind === "refresh")
    return "You pasted a refresh token. It is for refreshToken; paste the access token here.";
  const answer = await post(verifyPath, { token });
  if (!answer.ok) return `The pasted token is refused. ${await excuse(answer)}`;
  const { username, expires_in } = await answer.json();
  return `Using the pasted token of ${username}, ${span(expires_in)}. It is not renewed.`;
}

/** POST JSON; a server that is down is an answer, too. */
async function post(url, body) {
  try {
    return await fetch(url, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(body),
    });
  } catch {
    return Response.error();
  }
}

/** Why an answer is none, in words. */
async function excuse(answer) {
  if (answer.status === 429)
    return `Too many tries. Try again in ${answer.headers.get("Retry-After") ?? "some"} seconds.`;
  if (answer.status === 0 || answer.status >= 500)
    return "The server does not answer as it should. Try again in a moment.";
  const problem = await answer.json().catch(() => ({}));
  if (problem.code === "no_active_account")
    return "No active account has this user name and password.";
  return problem.detail ?? `The server answered ${answer.status}.`;
}

function claims(token) {
  try {
    const text = atob(token.split(".")[1].replaceAll("-", "+").replaceAll("_", "/"));
    return JSON.parse(text);
  } catch {
    return null;
  }
}

const bearer = (options) => options?.headers?.Authorization?.replace(/^Bearer /, "");
const sid = (token) => (token && claims(token)?.sid) || null;
const age = (state) => (Date.now() - state.at) / 1000;
const margin = (state) => Math.min(MARGIN, state.life * 0.7);
const pause = (seconds) => new Promise((resolve) => setTimeout(resolve, seconds * 1000));

function span(seconds) {
  const [size, unit] = [[86400, "day"], [3600, "hour"], [60, "minute"], [1, "second"]].find(
    ([size]) => seconds >= size * 2 || size === 1,
  );
  const count = Math.round(seconds / size);
  return `for ${count} ${unit}${count === 1 ? "" : "s"}`;
}
