/* Copying; loaded when somebody does. */

import { say } from "./toast.js";

/** Copy the text of an element. */
export async function copy(element) {
  try {
    await navigator.clipboard.writeText(element.textContent);
    say("Copied.");
  } catch {
    // Without TLS there is no clipboard, except at a loopback address.
    getSelection()?.selectAllChildren(element);
    say("Selected. Copy it with the keyboard.");
  }
}
