/* What to type elsewhere to make the same request; tokens stay out of what is copied. */

const JWT = /eyJ[\w-]+\.[\w-]+\.[\w-]*/g;
const quote = (text) => `'${text.replaceAll("'", "'\\''")}'`;
const JSON_TYPE = "application/json";

/** Method, URL, token or not, and the body as JSON text, of Swagger UI's request. */
function facts(request) {
  const body = request.get("body");
  const text = typeof body === "string" ? body : body && JSON.stringify(body.toJS?.() ?? body);
  const bearer = request.getIn(["headers", "Authorization"]);
  const [method, url] = [request.get("method"), request.get("url")];
  return { method, url, bearer, body: text?.replace(JWT, "TOKEN") };
}

function curl(request) {
  const { method, url, bearer, body } = facts(request);
  const lines = [`curl -X ${method} ${quote(url)}`];
  if (bearer) lines.push(`-H "Authorization: Bearer $ACCESS_TOKEN"`);
  if (body) lines.push(`-H 'Content-Type: ${JSON_TYPE}'`, `-d ${quote(body)}`);
  return lines.join(" \\\n  ");
}

function python(request) {
  const { method, url, bearer, body } = facts(request);
  const headers = bearer ? [`"Authorization": f"Bearer {access_token}"`] : [];
  if (body) headers.push(`"Content-Type": "${JSON_TYPE}"`);
  const lines = [JSON.stringify(method), JSON.stringify(url)];
  if (headers.length) lines.push(`headers={${headers.join(", ")}}`);
  if (body) lines.push(`content=${JSON.stringify(body)}`);
  const call = `httpx.request(\n    ${lines.join(",\n    ")},\n)`;
  return `import httpx\n\nanswer = ${call}\nprint(answer.status_code, answer.text)`;
}

function javascript(request) {
  const { method, url, bearer, body } = facts(request);
  const headers = bearer ? ["Authorization: `Bearer ${accessToken}`"] : [];
  if (body) headers.push(`"Content-Type": "${JSON_TYPE}"`);
  const lines = [`method: ${JSON.stringify(method)}`];
  if (headers.length) lines.push(`headers: { ${headers.join(", ")} }`);
  if (body) lines.push(`body: ${JSON.stringify(body)}`);
  const call = `fetch(${JSON.stringify(url)}, {\n  ${lines.join(",\n  ")},\n})`;
  return `const answer = await ${call};\nconsole.log(answer.status, await answer.text());`;
}

/** By the name of the language. */
export const snippets = { curl, Python: python, JavaScript: javascript };
