// What differs first: parameters, code, packages, data, as the server tells it.

import { get, OWN } from "../api.js";
import { dot } from "../chart/plot.js";
import { h, link, note } from "../dom.js";
import { number } from "../format.js";

const ORDER = ["parameters", "metrics", "code", "packages", "data", "seeds", "command", "environment"];
export const MOST = 20;

/** A table with a column for each run, which `refresh` fills anew; `same` in the address shows what is equal too. */
export async function differences(frame, query) {
  const ids = frame.ids.slice(0, MOST);
  const names = frame.names.slice(0, MOST);
  const place = h("div", {});
  const box = h("input", { type: "checkbox", checked: query.has("same"), onchange: () => {
    note({ same: box.checked ? "1" : null });
    fill();
  } });
  const fill = async () => {
    const asked = new URLSearchParams([...ids.map((id) => ["run_id", id]), ...(box.checked ? [["same", "true"]] : [])]);
    const { parts } = await get(`${OWN}comparison`, asked);
    for (const part of parts) part.rows = part.rows.filter(({ key }) => part.name !== "metrics" || !key.startsWith("system/"));
    parts.sort((a, b) => ORDER.indexOf(a.name) - ORDER.indexOf(b.name));
    place.replaceChildren(table(ids, names, parts));
  };
  await fill();
  const left = frame.size > ids.length ? h("span", { class: "dim" }, `the first ${ids.length} of ${frame.size}`) : null;
  return { content: [h("p", { class: "actions" }, h("label", {}, box, " also what is the same"), left), place], refresh: fill };
}

function table(ids, names, parts) {
  const heads = ids.map((id, n) => h("th", { scope: "col" }, dot(n), " ", link({ run: id }, names[n])));
  const bodies = parts.filter((part) => part.rows.length || part.same || part.unknown.length).map((part) => h("tbody", {},
    h("tr", { class: "part" }, h("th", { scope: "rowgroup", colspan: ids.length + 1 }, part.name, h("span", { class: "dim" }, said(part, ids)))),
    part.rows.map(({ key, values }) => row(key, values, part.unknown, ids))));
  return h("div", { class: "wide", tabindex: "0", role: "region", "aria-label": "What differs" },
    h("table", { class: "sides" }, h("thead", {}, h("tr", {}, h("td", {}), heads)), bodies));
}

function said({ rows, same, unknown }, ids) {
  const told = [];
  if (same) told.push(rows.length ? `${same} the same in all` : same === 1 ? "the same in all" : `all ${same} the same`);
  if (unknown.length) told.push(`not recorded of ${unknown.length} of ${ids.length}`);
  return told.length ? `  ${told.join(", ")}` : "";
}

function row(key, values, unknown, ids) {
  const common = most(values.filter((_, n) => !unknown.includes(ids[n])));
  return h("tr", {}, h("th", { scope: "row", title: key }, key), values.map((value, n) => {
    const text = value === null ? "" : typeof value === "number" ? number(value) : String(value);
    const odd = common !== undefined && value !== common && !unknown.includes(ids[n]);
    return h("td", { class: odd ? "odd" : null, title: text }, text || h("span", { class: "dim", "aria-label": "none" }, unknown.includes(ids[n]) ? "?" : "–"));
  }));
}

/** The value that most runs have; undefined where none is had by more than half of them. */
function most(values) {
  const count = new Map();
  for (const value of values) count.set(value, (count.get(value) ?? 0) + 1);
  return [...count].find(([, times]) => times > values.length / 2)?.[0];
}
