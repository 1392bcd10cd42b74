/* What the page reads from the OpenAPI document: operations, tags, paths. */

const METHODS = ["get", "put", "post", "delete", "options", "head", "patch", "trace"];

export class Api {
  constructor(document) {
    this.document = document;
    this.tags = document.tags ?? [];
    /** @type {Operation[]} */
    this.operations = Object.entries(document.paths).flatMap(([path, item]) =>
      Object.entries(item).flatMap(([method, { operationId: id, ...operation }]) => {
        if (!METHODS.includes(method)) return [];
        const { summary = path, tags = ["default"], security = document.security } = operation;
        const secured = Boolean(security?.some((one) => Object.keys(one).length));
        return [{ id, method, path, summary, tags, secured }];
      }),
    );
  }

  /** Tags with their operations, in Swagger UI's order: as listed, then as operations name them. */
  groups() {
    const used = this.operations.flatMap(({ tags }) => tags);
    const names = new Set([...this.tags.map(({ name }) => name), ...used]);
    const within = (tag) => this.operations.filter(({ tags }) => tags.includes(tag));
    return [...names].map((tag) => [tag, within(tag)]).filter(([, all]) => all.length);
  }

  /** Whether the document asks for a tag to be closed at first. */
  folds = (tag) => this.tags.some((one) => one.name === tag && one["x-folded"]);
  path = (id) => this.operations.find((operation) => operation.id === id)?.path;

  /** The operation that a request calls. */
  called(method, pathname) {
    const fits = ({ path }) => template(path).test(pathname);
    return this.operations.find((one) => one.method === method.toLowerCase() && fits(one));
  }

  /** A URL of the document's first server at *origin*: the page may be open at another address. */
  reachable(text, origin) {
    const url = new URL(text, origin);
    const server = new URL(this.document.servers?.[0]?.url ?? "", origin);
    return url.origin === server.origin ? origin + url.pathname + url.search : url.href;
  }
}

function template(path) {
  const literal = path.split(/\{[^}]+\}/).map((part) => part.replace(/[.*+?^$()|[\]\\]/g, "\\$&"));
  return new RegExp(`^${literal.join("[^/]+")}$`);
}
