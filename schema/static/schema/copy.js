/* The buttons that copy the text beside them. */

import { part } from "./dom.js";
import { say } from "./toast.js";

export function startCopying() {
  document.addEventListener("click", async ({ target }) => {
    const button = /** @type {Element} */ (target).closest("[data-copies]");
    const text = part(button?.getAttribute("data-copies"));
    if (!text) return;
    try {
      await navigator.clipboard.writeText(text.textContent);
      say("Copied.");
    } catch {
      // Without TLS there is no clipboard, except at a loopback address.
      getSelection()?.selectAllChildren(text);
      say("Selected. Copy it with the keyboard.");
    }
  });
}
