/* The docs page: Swagger UI with a session on its padlocks, and what stands around it. */

import { offerSignIn, show, startAccount } from "./account.js";
import { Api } from "./api.js";
import { part } from "./dom.js";
import { Session } from "./session.js";
import { describe, tidy } from "./service.js";
import { mark, startSidebar } from "./sidebar.js";
import { startSwagger } from "./swagger.js";
import { say } from "./toast.js";

const SCHEME = "bearerAuth";
const TEACHING = "manual"; // the tag of the variant that has tokens of its own

/** @type {any} the document, the session, Swagger UI */
let api, session, ui;
let padlocked = ""; // the token that Swagger UI is authorized with
let taught = ""; // the token from executing the teaching variant's login

async function load() {
  const answer = await fetch(main.dataset.document);
  if (!answer.ok) throw `The document cannot be loaded (${answer.status}).`;
  api = new Api(await answer.json());
  const paths = {
    ...{ login: api.path("createToken"), logout: api.path("revokeToken") },
    ...{ refresh: api.path("refreshToken"), verify: api.path("verifyToken") },
    sessions: api.path("listSessions"),
  };
  session = new Session(paths, {
    changed(state, lasts) {
      show(state, lasts);
      pad(state?.access ?? "");
    },
    say,
    ended: offerSignIn,
  });
  session.resume();
  return session;
}

/** Authorize Swagger UI with the session's token, or log it out. */
function pad(token) {
  if (token === padlocked) return;
  padlocked = token;
  if (token) ui?.preauthorizeApiKey(SCHEME, token);
  else ui?.authActions.logout([SCHEME]);
}

const hooks = {
  folds: (tag) => api.folds(tag),
  opened: mark,
  authorized(scheme, value) {
    if (scheme !== SCHEME) return value;
    const token = tidy(value ?? "");
    if (token !== padlocked) describe(token, session.paths.verify).then((words) => say(words));
    padlocked = token;
    return token;
  },
  /** Logout in the dialog signs out. */
  loggedOut(schemes) {
    if (!schemes.includes(SCHEME) || !padlocked) return;
    padlocked = "";
    if (session.state) session.signOut();
  },
  /** Send a request as the session; the teaching variant's with its own token. */
  request(request) {
    request.url = api.reachable(request.url, location.origin);
    const { tags, secured } = api.called(request.method, new URL(request.url).pathname) ?? {};
    const teaching = tags?.includes(TEACHING);
    if (teaching && secured && taught) request.headers.Authorization = `Bearer ${taught}`;
    request.userFetch = async (url, options) => {
      const answer = await session.fetch(url, options);
      if (teaching && !secured && answer.ok) ({ token: taught } = await answer.clone().json());
      return answer;
    };
    return request;
  },
  ready: () => padlocked && ui.preauthorizeApiKey(SCHEME, padlocked),
};

const main = part("swagger-ui");
const loading = load();
document.addEventListener("click", async ({ target }) => {
  const id = /** @type {Element} */ (target).closest("[data-copies]")?.getAttribute("data-copies");
  if (id) (await import("./copy.js")).copy(part(id));
});
startAccount(loading);
try {
  await loading;
  // Before Swagger UI, which opens the operation in the address: the sidebar marks it.
  startSidebar(api, (hash) => swagger.open(hash));
  const swagger = startSwagger(main, api.document, hooks);
  ui = swagger.ui;
} catch (error) {
  say(`${error} Reload the page in a moment.`);
}
