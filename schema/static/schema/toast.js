/* One message at a time, visible at any scroll position and announced to screen readers. */

import { part } from "./dom.js";

const NOTICE = 20_000; // milliseconds that a message stays; one with an offer stays until it is dismissed
let timer;

/** Show a message, or none. @param {{label: string, act: () => void}} [offer] a button beside it */
export function say(message, offer) {
  clearTimeout(timer);
  part("status").textContent = message;
  part("toast").classList.toggle("shown", Boolean(message));
  part("dismiss").hidden = !message;
  part("dismiss").onclick = () => say("");
  part("offer").hidden = !offer;
  part("offer").textContent = offer?.label;
  part("offer").onclick = () => {
    say("");
    offer?.act();
  };
  if (message && !offer) timer = setTimeout(say, NOTICE, "");
}
