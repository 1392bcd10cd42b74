/* Swagger UI's part: its documented configuration, and a plugin at its documented points. */

import { components } from "./components.js";

// Headers that every answer has, for security policies and the transport; not shown.
const ROUTINE =
  /^(content-(security|encoding)|cross-origin|permissions-|referrer-|strict-|transfer-|x-content|x-frame|allow|connection|content-length|date|keep-alive|server|vary)/i;

/** The elements of tags and operations, as Swagger UI reports them. */
const places = new Map();

/** Show the document; the hooks are below and in `docs.js`. */
export function startSwagger(domNode, spec, hooks) {
  const ui = SwaggerUIBundle({
    // From SWAGGER_UI_SETTINGS in SPECTACULAR_SETTINGS.
    ...JSON.parse(domNode.dataset.settings),
    ...{ spec, domNode, layout: "BaseLayout", deepLinking: true, queryConfigEnabled: false },
    presets: [SwaggerUIBundle.presets.apis],
    plugins: [components, plugin(hooks)],
    ...{ requestSnippetsEnabled: true, syntaxHighlight: { activated: false } },
    requestInterceptor: hooks.request,
    responseInterceptor(response) {
      for (const name of Object.keys(response.headers ?? {}))
        if (ROUTINE.test(name)) delete response.headers[name];
      return response;
    },
    onComplete: hooks.ready,
  });
  const open = (hash) => {
    const [tag, id] = hash.slice(2).split("/").map(decodeURIComponent);
    const things = [["operations-tag", tag], ...(id ? [["operations", tag, id]] : [])];
    for (const thing of things)
      if (!ui.layoutSelectors.isShown(thing, !thing[2] && !hooks.folds(tag)))
        ui.layoutActions.show(thing, true);
    const place = places.get(things.at(-1)?.slice(1).join("/"));
    if (place?.isConnected) requestAnimationFrame(() => place.scrollIntoView());
    else ui.layoutActions.scrollTo(things.at(-1));
  };
  addEventListener("hashchange", () => location.hash.startsWith("#/") && open(location.hash));
  return { ui, open };
}

/** @type {(hooks: any) => SwaggerPlugin} */
const plugin =
  (hooks) =>
  ({ React }) => ({
    wrapComponents: {
      OperationTag: (Original) => (props) => {
        const isShown = (thing, otherwise) =>
          props.layoutSelectors.isShown(thing, otherwise && !hooks.folds(props.tag));
        const layoutSelectors = { ...props.layoutSelectors, isShown };
        return React.createElement(Original, { ...props, layoutSelectors });
      },
    },
    statePlugins: {
      layout: {
        wrapActions: {
          show: (original) => (thing, shown) => {
            const [kind, tag, id, part] = thing;
            if (kind === "operations" && id && !part) hooks.opened(tag, id, shown);
            return original(thing, shown);
          },
          readyToScroll: (original) => (thing, place) => {
            if (place) places.set(thing.slice(1).join("/"), place);
            return original(thing, place);
          },
          // Swagger UI's own scrolling ignores `scroll-padding`, which leaves room for the bar.
          scrollToElement: () => (place) => place.scrollIntoView(),
        },
      },
      auth: {
        wrapActions: {
          authorize: (original) => (schemes) => {
            const tidied = Object.entries(schemes).map(([name, one]) => [
              name,
              { ...one, value: hooks.authorized(name, one.value) },
            ]);
            return original(Object.fromEntries(tidied));
          },
          logout: (original) => (schemes) => {
            hooks.loggedOut(schemes);
            return original(schemes);
          },
        },
      },
    },
  });
