/* The page's elements: found by id, or made. */

/** @param {string | null | undefined} id @returns {any} the element, of whatever kind the template makes it */
export const part = (id) => document.getElementById(id ?? "");

export function make(name, properties, ...children) {
  const element = Object.assign(document.createElement(name), properties);
  element.append(...children);
  return element;
}
