/* The account in the bar: the sign-in form, or the panel of the signed-in user. */

import { part } from "./dom.js";
import { say } from "./toast.js";

const form = part("sign-in");
const { username, password } = form.elements;

/** Show the signed-in user and how long the session `lasts`, or the form. */
export function show(state, lasts) {
  document.documentElement.toggleAttribute("data-signed-in", Boolean(state));
  if (!state) part("account").hidePopover();
  const name = state?.username ?? "";
  for (const id of ["who", "owner"]) part(id).textContent = name;
  part("initial").textContent = name.slice(0, 1).toUpperCase();
  part("until").textContent = `Signed in ${lasts}, longer when it is used.`;
}

/** Say that the session is over and offer to sign in again. */
export function offerSignIn(message, name) {
  say(message, { label: "Sign in again", act: () => openForm(name) });
}

function openForm(name) {
  // On a wide screen the form is in the bar, otherwise behind a button.
  if (!form.checkVisibility()) form.showPopover();
  username.value = name ?? "";
  (name ? password : username).focus();
}

/** `coming` resolves to the session, once the document is loaded. */
export function startAccount(coming) {
  form.onsubmit = async (event) => {
    event.preventDefault();
    const { submitter } = event;
    if (submitter?.id === "demo") {
      username.value = submitter.dataset.username;
      password.value = submitter.dataset.password;
    }
    say("Signing in…");
    const session = await coming;
    if (!(await session.signIn(username.value, password.value))) return password.select();
    form.hidePopover();
    form.reset();
    part("user").focus();
  };
  part("sign-out").onclick = async () => {
    const session = await coming;
    await session.signOut();
    if (!session.state) openForm();
  };
  part("sign-out-others").onclick = async () => {
    const { end } = await import("./sessions.js");
    await end(await coming, "", "All other sessions have ended.");
  };
  part("account").ontoggle = async ({ newState }) => {
    if (newState === "open") (await import("./sessions.js")).list(await coming);
  };
}
