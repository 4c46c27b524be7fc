// Elements out of texts. Nothing here ever reads a text as HTML.

const SPACE = "http://www.w3.org/2000/svg";

/** An element with attributes, listeners (`onclick`), a class or a style property, and children; nullish ones are left out. */
export const h = (name, attributes = {}, ...children) => filled(document.createElement(name), attributes, children);

/** The same of SVG. */
export const svg = (name, attributes = {}, ...children) => filled(document.createElementNS(SPACE, name), attributes, children);

function filled(made, attributes, children) {
  for (const [key, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else made.setAttribute(key, value === true ? "" : value);
  }
  made.append(...children.flat().filter((one) => one !== null && one !== undefined && one !== ""));
  return made;
}

/** A link within these pages. */
export function link(query, ...children) {
  return h("a", { href: address(query) }, ...children);
}

/** The address of a page: what it shows is its query, and nothing but it. */
export function address(query) {
  const given = Object.entries(query).filter(([, value]) => value !== "" && value !== null && value !== undefined);
  const text = new URLSearchParams(given).toString();
  return text ? `/?${text}` : "/";
}

/** Go to a page, as a link to it would. */
export const go = (query) => globalThis.dispatchEvent(new CustomEvent("go", { detail: address(query) }));

/** Have the address say what is seen, without going anywhere; what is null it does not say. */
export function note(parts) {
  const query = new URLSearchParams(location.search);
  for (const [name, value] of Object.entries(parts)) {
    if (value === null) query.delete(name);
    else query.set(name, value);
  }
  history.replaceState(history.state, "", `/?${query}${location.hash}`);
}

/** A section with a heading; none where it would be empty. */
export function section(title, ...children) {
  const inside = children.flat().filter(Boolean);
  return inside.length ? h("section", {}, h("h2", {}, title), ...inside) : null;
}

/** A table of names and values. */
export function pairs(rows) {
  return rows.length
    ? h("table", { class: "pairs" }, h("tbody", {}, rows.map(([name, ...values]) =>
        h("tr", {}, h("th", { scope: "row" }, name), values.map((value) => h("td", {}, value))))))
    : null;
}
