/* The docs page: Swagger UI, with the session of `session.js` on its padlocks. */

import { Session, describe } from "./session.js";
import { snippets } from "./snippets.js";

const account = document.getElementById("account");
const main = document.getElementById("swagger-ui");
const part = (id) => document.getElementById(id);
const paths = account.dataset;

let shown = null;
const session = new Session(paths, {
  changed(state, runs) {
    part("sign-in").hidden = Boolean(state);
    part("signed-in").hidden = !state;
    part("who").textContent = state?.username ?? "…";
    part("until").textContent = `the session runs ${runs}, longer when it is used`;
    const pasted = padded("bearerAuth") !== shown?.access;
    // What the reader pasted stays, until another session begins.
    if (!pasted || state?.sid !== shown?.sid) pad("bearerAuth", state?.access);
    shown = state;
  },
  say,
});

const ui = SwaggerUIBundle({
  url: main.dataset.schema,
  domNode: main,
  presets: [SwaggerUIBundle.presets.apis],
  plugins: [{ fn: snippets.fn }],
  layout: "BaseLayout",
  deepLinking: true,
  queryConfigEnabled: false,
  requestSnippetsEnabled: true,
  requestSnippets: snippets.config,
  requestInterceptor(request) {
    if (request.loadSpec) return request;
    // The document names the public address; this page may be open at another one.
    const { pathname, search } = new URL(request.url, location.href);
    request.url = location.origin + pathname + search;
    request.userFetch = async (url, options) => {
      const answer = await session.fetch(url, options);
      if (answer.ok && pathname === paths.manualLogin)
        pad("manualBearerAuth", (await answer.clone().json()).token);
      return answer;
    };
    return request;
  },
  onComplete() {
    pad("bearerAuth", session.state?.access);
    ui.getStore().subscribe(noticePasted);
  },
});

/** Put a token on the padlocks of a scheme, or take it off. */
function pad(scheme, token) {
  if (token === padded(scheme)) return;
  if (token) ui.preauthorizeApiKey(scheme, token);
  else ui.authActions.logout([scheme]);
}

function padded(scheme) {
  return ui.getStore().getState().getIn(["auth", "authorized", scheme, "value"]);
}

/** A token that the reader pasted is explained; the dialog's Logout is a sign-out. */
let noticed;
function noticePasted() {
  const token = padded("bearerAuth");
  if (token === noticed) return;
  noticed = token;
  if (token === session.state?.access) return;
  if (token) describe(token, paths.verify).then(say);
  else if (session.state) session.signOut();
}

function say(message) {
  part("status").textContent = message;
}

part("sign-in").addEventListener("submit", async (event) => {
  event.preventDefault();
  const form = event.target;
  say("Signing in…");
  const { username, password } = Object.fromEntries(new FormData(form));
  if (await session.signIn(username, password)) {
    form.reset();
    part("who").focus();
  } else form.elements.password.select();
});
part("sign-out").addEventListener("click", async () => {
  await session.signOut();
  part("sign-in").elements.username.focus();
});
part("sign-out-others").addEventListener("click", () => session.signOutOthers());

const dark = matchMedia("(prefers-color-scheme: dark)");
const dress = () => document.documentElement.classList.toggle("dark-mode", dark.matches);
dark.addEventListener("change", dress);
dress();
session.resume();
