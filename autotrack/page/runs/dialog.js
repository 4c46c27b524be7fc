// A window before the page, that takes the keyboard until it is closed.

import { h } from "../dom.js";

/** Open a window with a title; Escape and its button close it. */
export function open(title, ...content) {
  const close = h("button", { type: "button", class: "close", "aria-label": "Close", onclick: () => made.close() }, "×");
  const made = h("dialog", { class: "of-runs", "aria-label": title, onclose: () => made.remove() }, h("h2", {}, title), close, ...content);
  document.body.append(made);
  made.showModal();
  return made;
}
