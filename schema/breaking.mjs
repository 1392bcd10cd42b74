/**
 * Print what in the second document breaks clients of the first; fail unless the major version rose.
 *
 *     node schema/breaking.mjs released.json openapi.json
 *
 * api-smart-diff finds the changes and judges most of them. What it takes for harmless and is not,
 * was found by trying, and stands in `harms` and `renamed`, each with a test in tests/test_changes.py.
 */
import { readFileSync } from "node:fs";
import { apiCompare } from "api-smart-diff";

/** The member of a document at a path of keys, through references. */
function at(document, path) {
  return path.reduce((node, key) => {
    const found = node?.[key];
    const name = found?.$ref?.replace("#/components/schemas/", "");
    return name ? document.components.schemas[name] : found;
  }, document);
}

function harms({ type, action, path, after }) {
  const [parent, last] = path.slice(-2);
  // Components are judged where they are used, since there it is known who sends them.
  if (path[0] === "components") return false;
  if (type === "breaking") return true;
  if (path.includes("responses")) {
    return (
      (action === "replace" && ["type", "format"].includes(last)) ||
      (action === "remove" && parent === "enum") || // a name in typed clients
      (last === "nullable" && after)
    );
  }
  return (
    (action === "remove" && parent === "properties") ||
    (action === "add" && parent === "enum" && !at(released, path.slice(0, -1))) ||
    (last === "additionalProperties" && after === false) ||
    (action === "add" && last === "parameters" && after.some(({ required }) => required))
  );
}

/** The names that generated code bears: of methods, of what groups them, of types. */
function* renamed() {
  for (const [path, item] of Object.entries(released.paths)) {
    for (const [method, { operationId, tags }] of Object.entries(item)) {
      const now = current.paths[path]?.[method];
      if (now && now.operationId !== operationId) yield `rename ${operationId} to ${now.operationId}`;
      if (now && now.tags[0] !== tags[0]) yield `move ${operationId} from ${tags[0]} to ${now.tags[0]}`;
    }
  }
  for (const name of Object.keys(released.components.schemas)) {
    if (!(name in current.components.schemas)) yield `remove the type ${name}`;
  }
}

const [released, current] = process.argv.slice(2).map((file) => JSON.parse(readFileSync(file)));
const major = ({ info }) => parseInt(info.version);
// It writes into what it compares.
const found = apiCompare(structuredClone(released), structuredClone(current))
  .diffs.filter(harms)
  .map(({ action, path }) => `${action} ${path.join(" › ")}`);
const breaking = [...new Set([...found, ...renamed()])];
for (const line of breaking) console.log(line);
process.exitCode = breaking.length && major(current) <= major(released) ? 1 : 0;
