import assert from "node:assert/strict";
import { test } from "node:test";

import { Api } from "../../schema/static/schema/api.js";

const document = {
  servers: [{ url: "https://api.example.com" }],
  security: [{ bearerAuth: [] }],
  tags: [{ name: "b" }, { name: "unused" }, { name: "a", "x-folded": true }],
  paths: {
    "/a/{id}/": {
      parameters: [],
      get: { operationId: "getA", tags: ["a"], summary: "Read" },
      delete: { operationId: "endA", tags: ["a", "c"] },
    },
    "/b/": { post: { operationId: "makeB", tags: ["b"], security: [] } },
    "/b/x.y/": { get: { operationId: "oddB", security: [{}, { other: [] }] } },
  },
};
const api = new Api(document);

test("groups are in Swagger UI's order: listed tags, then those that operations name", () => {
  const found = api.groups().map(([tag, all]) => [tag, all.map(({ id }) => id)]);

  assert.deepEqual(found, [
    ["b", ["makeB"]],
    ["a", ["getA", "endA"]],
    ["c", ["endA"]],
    ["default", ["oddB"]],
  ]);
});

test("an operation without a summary is called by its path", () => {
  assert.equal(api.operations.find(({ id }) => id === "endA")?.summary, "/a/{id}/");
});

test("an operation's own security counts before the document's", () => {
  const secured = Object.fromEntries(api.operations.map((one) => [one.id, one.secured]));

  assert.deepEqual(secured, { getA: true, endA: true, makeB: false, oddB: true });
});

test("folds what the document marks", () => {
  assert.deepEqual(["a", "b", "nonsense"].map(api.folds), [true, false, false]);
});

test("finds the operation that a request calls", () => {
  assert.equal(api.called("GET", "/a/7/")?.id, "getA");
  assert.equal(api.called("DELETE", "/a/7/")?.id, "endA");
  assert.equal(api.called("GET", "/b/x.y/")?.id, "oddB");
  assert.equal(api.called("GET", "/b/xzy/"), undefined);
  assert.equal(api.called("GET", "/a/7/8/"), undefined);
  assert.equal(api.called("POST", "/a/7/"), undefined);
});

test("the public address is reached where the page is; other servers are where they are", () => {
  const here = "http://127.0.0.1:8000";

  assert.equal(api.reachable("https://api.example.com/b/?c=d", here), `${here}/b/?c=d`);
  assert.equal(api.reachable("https://other.example.com/b/", here), "https://other.example.com/b/");
  assert.equal(new Api({ paths: {} }).reachable("/b/", here), `${here}/b/`);
});

test("a document without tags or operations is one, too", () => {
  assert.deepEqual(new Api({ paths: {} }).groups(), []);
});
