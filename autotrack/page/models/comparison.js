// Versions of a model side by side: what differs first.

import { address, h, link } from "../dom.js";
import { number } from "../format.js";
import * as asking from "./asking.js";

export async function seen(query) {
  const name = query.get("model");
  const chosen = query.get("versions").split(",").map((one) => one.trim()).filter(Boolean);
  const all = query.has("all");
  const parts = await asking.compared(name, chosen);
  const heads = chosen.map((one) => h("th", { scope: "col" }, link({ model: name, version: one }, `version ${one}`)));
  const rows = parts.flatMap(({ name: part, rows: every = [] }) => {
    const same = every.filter((one) => !one.differs).length;
    const shown = all ? every : every.filter((one) => one.differs);
    if (!every.length) return [];
    return [
      h("tr", { class: "part" }, h("th", { scope: "rowgroup", colspan: chosen.length + 1 }, part,
        same && !all ? h("span", { class: "dim" }, ` · ${same} the same in all`) : null)),
      ...shown.map(({ key, values, differs }) => h("tr", { class: differs ? "differs" : null }, h("th", { scope: "row" }, key), values.map((one) => h("td", { title: typeof one === "string" ? one : null }, cell(one))))),
    ];
  });
  return {
    title: `versions of ${name}`,
    trail: [h("a", { href: "/?models" }, "models"), link({ model: name }, name), `versions ${chosen.join(", ")}`],
    content: [
      h("h1", {}, `${name} `, h("span", { class: "dim" }, `versions ${chosen.join(", ")}`)),
      h("p", { class: "switches" }, h("a", { href: address({ model: name, versions: chosen.join(","), all: all ? "" : "1" }) }, all ? "only what differs" : "all of it")),
      h("div", { class: "wide" }, h("table", { class: "sides" }, h("thead", {}, h("tr", {}, h("td", {}), heads)), h("tbody", {}, rows))),
    ],
  };
}

/** A value as the server has it; a number that JSON cannot hold is an object there. */
function cell(value) {
  if (value === null || value === undefined) return h("span", { class: "dim" }, "none");
  return typeof value === "number" ? number(value) : typeof value === "object" ? number(Number(value.double)) : String(value);
}
