/* Swagger UI's components that are ours: simpler, or with what its own lack for a keyboard. */

import { snippets } from "./snippets.js";

/** @type {SwaggerPlugin} */
export const components = ({ React, getComponent }) => {
  const h = React.createElement;
  return {
    components: {
      // The bar has title and version already.
      info: ({ info }) =>
        h(
          "section",
          { className: "info", "aria-label": "Introduction" },
          h(getComponent("Markdown", true), { source: info.get("description") }),
          h("h2", null, "Operations"),
        ),
      // A link in a button cannot be reached; the sidebar has these links.
      DeepLink: ({ text }) => h("span", null, text),
      PlainTextViewer: ({ className = "", children }) =>
        h("pre", { className: `microlight ${className}`, tabIndex: 0 }, children),
      RequestSnippets({ request }) {
        const [language, choose] = React.useState("curl");
        const id = React.useId();
        const button = (name) =>
          h("button", { "aria-pressed": name === language, onClick: () => choose(name) }, name);
        return h(
          "div",
          { className: "snippets" },
          h("h4", null, "The same request"),
          h(
            "div",
            { role: "group", "aria-label": "Language" },
            ...Object.keys(snippets).map(button),
          ),
          h("pre", { id, tabIndex: 0 }, snippets[language](request)),
          h("button", { "data-copies": id }, "Copy"),
        );
      },
    },
    wrapComponents: {
      // Of one server there is nothing to choose.
      ServersContainer:
        (Original, { specSelectors }) =>
        (props) =>
          specSelectors.servers().size > 1 ? h(Original, props) : null,
      TextArea: (Original) => (props) =>
        h(Original, {
          "aria-label": props.className?.includes("body") ? "Request body" : "Value",
          ...props,
        }),
      ExamplesSelect: (Original) => (props) =>
        h("label", null, h("span", { className: "unseen" }, "Example"), h(Original, props)),
    },
  };
};
