/* What to type elsewhere to make the same request; tokens stay out of what is copied. */

const JWT = /eyJ[\w-]+\.[\w-]+\.[\w-]*/g;
const quote = (text) => `'${text.replaceAll("'", "'\\''")}'`;

/** Method, URL, token or not, and the body as JSON text, of swagger-ui's request. */
function facts(request) {
  const body = request.get("body");
  const text = typeof body === "string" ? body : body && JSON.stringify(body.toJS?.() ?? body);
  return {
    method: request.get("method"),
    url: request.get("url"),
    bearer: Boolean(request.getIn(["headers", "Authorization"])),
    body: text?.replace(JWT, "TOKEN"),
  };
}

function curl(request) {
  const { method, url, bearer, body } = facts(request);
  const lines = [`curl -X ${method} ${quote(url)}`];
  if (bearer) lines.push(`-H "Authorization: Bearer $ACCESS_TOKEN"`);
  if (body) lines.push(`-H 'Content-Type: application/json'`, `-d ${quote(body)}`);
  return lines.join(" \\\n  ");
}

function python(request) {
  const { method, url, bearer, body } = facts(request);
  const headers = [];
  if (bearer) headers.push(`"Authorization": f"Bearer {access_token}"`);
  if (body) headers.push(`"Content-Type": "application/json"`);
  const lines = [JSON.stringify(method), JSON.stringify(url)];
  if (headers.length) lines.push(`headers={${headers.join(", ")}}`);
  if (body) lines.push(`content=${JSON.stringify(body)}`);
  return `import httpx\n\nanswer = httpx.request(\n    ${lines.join(",\n    ")},\n)\nprint(answer.status_code, answer.text)`;
}

function javascript(request) {
  const { method, url, bearer, body } = facts(request);
  const headers = [];
  if (bearer) headers.push("Authorization: `Bearer ${accessToken}`");
  if (body) headers.push(`"Content-Type": "application/json"`);
  const lines = [`method: ${JSON.stringify(method)}`];
  if (headers.length) lines.push(`headers: { ${headers.join(", ")} }`);
  if (body) lines.push(`body: ${JSON.stringify(body)}`);
  return `const answer = await fetch(${JSON.stringify(url)}, {\n  ${lines.join(",\n  ")},\n});\nconsole.log(answer.status, await answer.text());`;
}

export const snippets = {
  config: {
    generators: {
      curl_bash: { title: "curl", syntax: "bash" },
      python: { title: "Python", syntax: "python" },
      javascript: { title: "JavaScript", syntax: "javascript" },
    },
    languages: ["curl_bash", "python", "javascript"],
  },
  fn: {
    requestSnippetGenerator_curl_bash: curl,
    requestSnippetGenerator_python: python,
    requestSnippetGenerator_javascript: javascript,
  },
};
