/* The reader's sessions, in the panel of the account; loaded when it opens. */

import { make, part } from "./dom.js";
import { explain } from "./service.js";
import { say } from "./toast.js";

export async function list(session) {
  const answer = await session.call("GET", session.paths.sessions);
  if (!session.state) return;
  if (!answer.ok) return say(await explain(answer));
  const { results, count } = await answer.json();
  results.sort((one, other) => other.current - one.current);
  // The server's clock, because this computer's may be wrong.
  const now = Date.parse(answer.headers.get("Date")) || Date.now();
  const more = make("li", { hidden: count === results.length }, "For more, see listSessions.");
  part("sessions").replaceChildren(...results.map((one) => row(session, one, now)), more);
}

/** End a session, or all others without an *id*. */
export async function end(session, id, done) {
  const answer = await session.call("DELETE", session.paths.sessions + id);
  say(answer.ok ? done : await explain(answer));
  if (answer.ok) await list(session);
}

function row(session, { id, current, user_agent, address, created_at, rotated_at }, now) {
  const name = device(user_agent);
  const used = ago(Date.parse(rotated_at ?? created_at), now);
  const about = make("small", {}, `${address ?? "Unknown place"} · ${used}`);
  const button = make("button", { type: "button", ariaLabel: `End ${name}` }, "End");
  button.onclick = () => end(session, `${id}/`, `${name}: ended.`);
  const last = current ? make("small", { className: "badge" }, "This one") : button;
  return make("li", {}, make("p", {}, name, about), last);
}

// As user agents call them. Of several the first counts: Edge says that it is Chrome and Safari, too.
const BROWSERS = ["Edg", "OPR", "Firefox", "FxiOS", "Chrome", "CriOS", "Safari"];
const SYSTEMS = ["iPhone", "iPad", "Android", "Windows", "CrOS", "Mac OS X", "Linux"];
const NAMES = {
  ...{ Edg: "Edge", OPR: "Opera", FxiOS: "Firefox", CriOS: "Chrome" },
  ...{ CrOS: "ChromeOS", "Mac OS X": "macOS" },
};

/** "Firefox on Android"; a program by its own name. */
export function device(userAgent) {
  const named = (marks) => marks.find((mark) => userAgent.includes(mark));
  const [browser, system] = [named(BROWSERS), named(SYSTEMS)].map((name) => NAMES[name] ?? name);
  if (browser && system) return `${browser} on ${system}`;
  return browser ?? (userAgent.match(/^[^\s/]+/)?.[0] || "Unknown device");
}

/** "2 hours ago", "yesterday"; "now" within a minute. Both are in milliseconds. */
export function ago(then, now) {
  const minutes = (now - then) / 60_000;
  if (minutes < 1) return "now";
  const units = Object.entries({ day: 1440, hour: 60, minute: 1 });
  /** @type {any} */
  const [unit, size] = units.find(([, size]) => minutes >= size);
  const words = new Intl.RelativeTimeFormat("en", { numeric: "auto" });
  return words.format(-Math.floor(minutes / size), unit);
}
