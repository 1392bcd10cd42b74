/*
 * A session kept alive: signs in, renews in time and at a 401, signs out. Tokens live in this tab
 * (sessionStorage) and go to the service alone, and to tabs of the same session: they renew once.
 */

import { claims, explain, post, problem, span } from "./service.js";

const KEY = "authapi.session";
const MARGIN = 10; // seconds before the end at which the access token is renewed
const RETRY = 5; // seconds until the next try when the server does not answer
const ENDED = {
  session_ended: "Signed out: the session has ended.",
  reused: "Signed out: an old token was used again, so the session was ended to be safe.",
}; // by a problem's `reason`

export class Session {
  /** @type {State | null} */
  state = null;
  /** @type {any} what the tabs of one session tell each other by */
  channel = null;

  /** The page shows `changed(state, lasts)`, `say(message)`, `ended(message, username)`. */
  constructor(paths, page) {
    this.paths = paths;
    this.page = page;
  }

  /** Resume the session that this tab had before a reload. */
  async resume() {
    const kept = JSON.parse(sessionStorage.getItem(KEY) ?? "null");
    if (kept) await this.#adopt(kept);
    else this.page.changed(null);
    if (kept && (!this.#fresh() || !kept.username)) await this.renew();
  }

  async signIn(username, password) {
    const answer = await post(this.paths.login, { username, password });
    if (answer.ok) await this.#accept(await answer.json());
    this.page.say(answer.ok ? "" : await explain(answer));
    return answer.ok;
  }

  /** End the session on the server, then forget it. Without an answer the session is kept. */
  async signOut() {
    const answer = await post(this.paths.logout, { refresh: this.state?.refresh });
    if (answer.ok || answer.status === 401) return this.#end("Signed out.");
    this.#keep();
    this.page.say(`Still signed in. ${await explain(answer)}`);
  }

  /** Call the service as this session; there is always an answer. */
  call(method, path) {
    return this.fetch(path, this.#signed({ method })).catch(() => Response.error());
  }

  /**
   * Like `fetch`, for requests from this page. A request with this session's token renews an expired
   * token first, and is repeated once after a 401. Answers that start or end a session are noticed.
   */
  async fetch(url, options) {
    const ours = () => this.#owns(bearer(options));
    if (ours() && !this.#fresh()) await this.renew();
    const first = ours() && this.state?.access;
    let answer = await fetch(url, first ? this.#signed(options) : options);
    if (answer.status === 401 && first) {
      if (this.state?.access === first) await this.renew();
      if (ours() && this.state?.access !== first) answer = await fetch(url, this.#signed(options));
    }
    await this.#learn(new URL(url, location.href).pathname, options, answer);
    return answer;
  }

  /** Exchange the refresh token: once for all callers, in this tab and in others. */
  async renew() {
    const { sid, refresh } = this.state ?? {};
    await navigator.locks.request(`${KEY}.${sid}`, async () => {
      if (this.twins) await this.#askTwins();
      if (refresh && this.state?.refresh === refresh) await this.#exchange(refresh);
    });
  }

  /** Ask the other tabs of this session for a newer pair; wait a second at most. */
  #askTwins() {
    this.channel.postMessage({ ask: true });
    return new Promise((resolve) => setTimeout((this.answered = () => resolve(null)), 1000));
  }

  #hear(message) {
    this.twins = true;
    if (message.over) return this.#end(message.over, false);
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
    } else if (answer.status === 401) {
      this.#end((await ending(answer)) ?? ENDED.session_ended);
    } else {
      this.page.say(`Not renewed yet, trying again. ${await explain(answer)}`);
      this.#later(Number(answer.headers.get("Retry-After")) || RETRY);
    }
    this.unanswered = !answer.ok;
  }

  /** Start using a pair that the service has just issued. */
  async #accept({ access, refresh }) {
    const [{ exp, iat, sid }, session] = [access, refresh].map((token) => claims(token));
    const username = this.state?.sid === sid ? this.state?.username : undefined;
    const [life, sessionLife] = [exp - iat, session.exp - session.iat];
    // This computer's clock may be wrong, so it only measures how long ago something was.
    await this.#adopt({ access, refresh, sid, username, at: Date.now(), life, sessionLife });
    this.channel.postMessage(this.state);
  }

  async #adopt(state) {
    if (this.channel?.name !== `${KEY}.${state.sid}`) {
      this.channel?.close();
      this.channel = new BroadcastChannel(`${KEY}.${state.sid}`);
      this.channel.onmessage = ({ data }) => this.#hear(data);
      this.channel.postMessage({ ask: true });
      this.twins = false;
    }
    this.state = state;
    this.#keep();
    this.#later(state.life - age(state) - Math.min(MARGIN, state.life * 0.7));
    if (state.username) return;
    const answer = await post(this.paths.verify, { token: state.refresh });
    if (!answer.ok || !this.state || this.state.sid !== state.sid) return;
    this.state.username = (await answer.json()).username;
    this.#keep();
  }

  #keep() {
    if (!this.state) return;
    sessionStorage.setItem(KEY, JSON.stringify(this.state));
    this.page.changed(this.state, span(this.state.sessionLife - age(this.state)));
  }

  #later(seconds) {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.renew(), Math.max(0, seconds) * 1000);
  }

  /** Forget the session; the *first* tab to do so tells the others. */
  #end(reason, first = true) {
    if (first) this.channel?.postMessage({ over: reason });
    const username = this.state?.username;
    clearTimeout(this.timer);
    sessionStorage.removeItem(KEY);
    this.state = null;
    this.page.changed(null);
    if (Object.values(ENDED).includes(reason)) this.page.ended(reason, username);
    else this.page.say(reason);
  }

  /** Copy the answer only where the copy is read: an unread copy can hold up the answer's body. */
  async #learn(path, options, answer) {
    const { login, refresh, logout } = this.paths;
    if (answer.ok && (path === login || path === refresh)) {
      await this.#accept(await answer.clone().json());
      this.page.say("Signed in with the pair of this answer.");
    } else if (answer.ok && path === logout && this.#owns(JSON.parse(options.body).refresh)) {
      this.#end("Signed out.");
    } else if (answer.status === 401 && this.#owns(bearer(options))) {
      const reason = await ending(answer.clone());
      if (reason) this.#end(reason);
    }
  }

  #fresh = () => this.state !== null && age(this.state) < this.state.life;
  #owns = (token) => this.state !== null && claims(token)?.sid === this.state.sid;
  #signed = (options) => ({
    ...options,
    headers: { ...options.headers, Authorization: `Bearer ${this.state?.access}` },
  });
}

/** What to say if a 401 means that the session is over; otherwise undefined. */
async function ending(answer) {
  const { reason } = await problem(answer);
  return ENDED[reason ?? ""];
}

const bearer = (options) => options.headers?.Authorization?.replace(/^Bearer /, "");
const age = (state) => (Date.now() - state.at) / 1000;
