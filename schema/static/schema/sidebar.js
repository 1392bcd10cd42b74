/* The sidebar: the document's tags and operations, over Swagger UI's deep links. */

import { make, part } from "./dom.js";

const links = new Map(); // by deep link

/** Where Swagger UI's deep linking finds an operation. */
const deepLink = (tag, id) => `#/${encodeURIComponent(tag)}/${encodeURIComponent(id)}`;

/** Whether an operation contains every word of *text*. */
export function fits({ id, method, path, summary, tags }, text) {
  const all = [id, method, path, summary, ...tags].join(" ").toLowerCase();
  return text
    .toLowerCase()
    .split(/\s+/)
    .every((word) => all.includes(word));
}

/** List the operations; `open(hash)` shows one. */
export function startSidebar(api, open) {
  const [filter, sidebar] = [part("filter"), part("sidebar")];
  const sections = api.groups().map(([tag, operations]) => {
    const items = operations.map((operation) => item(tag, operation));
    const list = make("ul", {}, ...items);
    const section = make("details", { open: !api.folds(tag) }, make("summary", {}, tag), list);
    const narrow = (text) => {
      items.forEach((item, index) => (item.hidden = !fits(operations[index], text)));
      section.hidden = items.every((item) => item.hidden);
      section.open = Boolean(text) || !api.folds(tag);
    };
    return { section, narrow };
  });
  part("operations-list").replaceChildren(...sections.map(({ section }) => section));
  part("operations-list").onclick = (event) => {
    const link = event.target.closest("a");
    if (!link) return;
    event.preventDefault();
    sidebar.hidePopover();
    open(link.hash);
  };
  filter.oninput = () => {
    for (const { narrow } of sections) narrow(filter.value.trim());
    part("nothing").hidden = sections.some(({ section }) => !section.hidden);
  };
  filter.onkeydown = ({ key }) => {
    if (key === "Enter") sidebar.querySelector("li:not([hidden]) a")?.click();
  };
  document.addEventListener("keydown", (event) => {
    const typing = /** @type {Element} */ (event.target).matches("input, textarea, select");
    if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey || typing) return;
    event.preventDefault();
    if (!filter.checkVisibility()) sidebar.showPopover();
    filter.focus();
  });
}

function item(tag, { id, method, summary }) {
  const short = method === "delete" ? "del" : method;
  const label = make("span", { className: `method ${method}` }, short);
  const link = make("a", { href: deepLink(tag, id) }, make("span", {}, summary), label);
  links.set(deepLink(tag, id), link);
  return make("li", {}, link);
}

/** Mark an operation that is open. */
export function mark(tag, id, isOpen) {
  const link = links.get(deepLink(tag, id));
  if (link) link.ariaCurrent = isOpen ? "true" : null;
}
