// JSON as a tree that folds.

import { h } from "../dom.js";

const AT_ONCE = 200;

/** The tree of a value; what is deep or long is made when it is unfolded. */
export function tree(value, depth = 0) {
  if (value === null || typeof value !== "object") return h("code", { class: typeof value }, JSON.stringify(value));
  const entries = Array.isArray(value) ? value.map((one, n) => [n, one]) : Object.entries(value);
  const sign = Array.isArray(value) ? `[${entries.length}]` : `{${entries.length}}`;
  const inside = h("ul", { class: "tree" });
  const fill = () => {
    if (inside.hasChildNodes()) return;
    inside.append(...entries.slice(0, AT_ONCE).map(([key, one]) => h("li", {}, h("span", { class: "dim" }, `${key}: `), tree(one, depth + 1))));
    if (entries.length > AT_ONCE) inside.append(h("li", { class: "dim" }, `and ${entries.length - AT_ONCE} more`));
  };
  if (depth === 0) fill();
  return h("details", { class: "inner", open: depth === 0, ontoggle: (event) => event.target === event.currentTarget && fill() }, h("summary", {}, sign), inside);
}
