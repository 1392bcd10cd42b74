/* Components that replace or wrap Swagger UI's, for the page's layout and for accessibility. */

/** @type {SwaggerPlugin} */
export const components = ({ React, getComponent }) => {
  const h = React.createElement;
  const labelled = (name, field) =>
    h("label", null, h("span", { className: "unseen" }, name), field);
  return {
    components: {
      // The bar already has the title and the version.
      info: ({ info }) =>
        h(
          "section",
          { className: "info", "aria-label": "Introduction" },
          h(getComponent("Markdown", true), { source: info.get("description") }),
          h("h2", null, "Operations"),
        ),
      CloseIcon: () => h("span", { role: "img", "aria-label": "Close" }, "\u2715"),
      // Swagger UI puts a link inside a button, which is invalid; the sidebar has these links.
      DeepLink: ({ text }) => h("span", null, text),
      PlainTextViewer: ({ className = "", children }) =>
        h("pre", { className: `microlight ${className}`, tabIndex: 0 }, children),
      RequestSnippets({ request }) {
        const [language, choose] = React.useState("curl");
        const [snippets, setSnippets] = React.useState({});
        React.useEffect(() => {
          import("./snippets.js").then((module) => setSnippets(module.snippets));
        }, []);
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
          h("pre", { id, tabIndex: 0 }, snippets[language]?.(request)),
          h("button", { "data-copies": id }, "Copy"),
        );
      },
    },
    wrapComponents: {
      // Shown only if there are several servers.
      ServersContainer:
        (Original, { specSelectors }) =>
        (props) =>
          specSelectors.servers().size > 1
            ? h("section", { "aria-label": "Servers" }, h(Original, props))
            : null,
      authorizationPopup: (Original) => (props) =>
        h("div", { role: "dialog", "aria-label": "Authorize" }, h(Original, props)),
      // Swagger UI's fields have no accessible name.
      Input: (Original) => (props) =>
        h(Original, { "aria-label": props.placeholder || "Value", ...props }),
      TextArea: (Original) => (props) =>
        h(Original, { "aria-label": named(props.className), ...props }),
      Select: (Original) => (props) => labelled("Value", h(Original, props)),
      ExamplesSelect: (Original) => (props) => labelled("Example", h(Original, props)),
    },
  };
};

const named = (className) => (className?.includes("body") ? "Request body" : "Value");
