/* What the service answers, and what its tokens are, in words. */

/** Send JSON. If the server cannot be reached, the answer has status 0. */
export const post = (url, body) =>
  fetch(url, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  }).catch(() => Response.error());

/** The problem (RFC 9457) that an answer holds. */
export const problem = (answer) => answer.json().catch(() => ({}));

/** Why an answer is a refusal. */
export async function explain(answer) {
  if (answer.status === 429)
    return `Too many attempts. Try again in ${answer.headers.get("Retry-After") ?? "some"} seconds.`;
  if (answer.status === 0 || answer.status >= 500)
    return "The server does not respond as it should. Try again in a moment.";
  const { code, detail } = await problem(answer);
  if (code === "no_active_account") return "No active account has this user name and password.";
  return detail ?? `The server answered ${answer.status}.`;
}

/** What a token says of itself, unchecked; null if it is not a JWT. */
export function claims(token) {
  try {
    return JSON.parse(atob(token.split(".")[1].replaceAll("-", "+").replaceAll("_", "/")));
  } catch {
    return null;
  }
}

/** The token in what was pasted. */
export const tidy = (pasted) => pasted.trim().replace(/^Bearer\s+/i, "");

/** What a token is; `verify` is the path to ask at. */
export async function describe(token, verify) {
  if (!claims(token))
    return "What you pasted is not a token: it has three parts, with dots between them.";
  if (claims(token).token_type === "refresh")
    return "You pasted a refresh token. It is for refreshToken; paste the access token here.";
  const answer = await post(verify, { token });
  if (!answer.ok) return `The pasted token is refused. ${await explain(answer)}`;
  const { token_type, username, expires_in } = await answer.json();
  return `Using the pasted ${token_type} token of ${username}, ${span(expires_in)}. It is not renewed.`;
}

/** "for 14 days": in the unit of which there are two or more. */
export function span(seconds) {
  const units = Object.entries({ day: 86400, hour: 3600, minute: 60, second: 1 });
  const [unit, size] = units.find(([, size]) => seconds >= size * 2) ?? ["second", 1];
  const count = Math.round(seconds / size);
  return `for ${count} ${unit}${count === 1 ? "" : "s"}`;
}
