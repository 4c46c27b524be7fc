// The trials as a table, the best first unless the address says otherwise.

import { address, h, link } from "../dom.js";
import { duration, number as said } from "../format.js";
import { number } from "./trials.js";

const AT_ONCE = 200;

export function table(query, trials) {
  const all = query.has("all");
  const names = trials.shown(all);
  const given = Object.fromEntries(query);
  const order = sorted(query.get("sort"), trials);
  const body = h("tbody", {});
  const more = h("button", { type: "button", onclick: () => fill() }, "More");
  const fill = () => {
    const from = body.childElementCount;
    body.append(...order.slice(from, from + AT_ONCE).map((n) => row(n, names, trials)));
    more.hidden = body.childElementCount >= order.length;
  };
  fill();
  const numeric = (name) => trials.column(name).some((one) => number(one) !== null);
  const heads = [["rank", "rank", true], ["trial", null, false], ...names.map((name) => [trials.title(name), name, numeric(name)]),
    ...(took(trials) ? [["took", "duration", true]] : [])];
  const turned = address({ ...given, all: all ? "" : "1" });
  return [
    h("div", { class: "wide", tabindex: "0", role: "region", "aria-label": "Trials" },
      h("table", { class: "list" }, h("thead", {}, h("tr", {}, heads.map((one) => head(one, query.get("sort") ?? "rank", given)))), body)),
    h("p", { class: "switches" }, more, trials.columns.size > names.length + 3 || all ? h("a", { href: turned }, all ? "fewer columns" : "all columns") : null),
  ];
}

const took = (trials) => trials.columns.has("duration");

/** A heading that sorts by its column, and the other way round at the next click. */
function head([title, name, numeric], now, given) {
  if (!name) return h("th", { scope: "col" }, title);
  const [column, way] = now.endsWith(" DESC") ? [now.slice(0, -5), "DESC"] : [now, "ASC"];
  const mine = column === name;
  const next = mine && way === "ASC" ? `${name} DESC` : name;
  return h("th", { scope: "col", class: numeric ? "number" : null, "aria-sort": mine ? (way === "ASC" ? "ascending" : "descending") : null },
    h("a", { href: address({ ...given, sort: next === "rank" ? "" : next }) }, title, mine ? (way === "ASC" ? " ↑" : " ↓") : ""));
}

/** The places of the trials in the order that is asked for; those without a value come last. */
function sorted(sort, trials) {
  const [name, down] = sort?.endsWith(" DESC") ? [sort.slice(0, -5), true] : [sort || "rank", false];
  const cells = name === "rank" ? trials.ranks : trials.column(name) ?? trials.ranks;
  const keys = cells.map((cell) => number(cell) ?? cell);
  const lacks = (key) => key === null || key === undefined || Number.isNaN(key);
  const compare = (a, b) => (typeof a === "number" && typeof b === "number" ? a - b : String(a).localeCompare(String(b), undefined, { numeric: true }));
  return keys.map((_, n) => n).sort((a, b) => lacks(keys[a]) - lacks(keys[b]) || (lacks(keys[a]) ? 0 : compare(keys[a], keys[b]) * (down ? -1 : 1)) || a - b);
}

function row(n, names, trials) {
  const run = trials.run(n);
  return h("tr", {}, h("td", { class: "number" }, trials.ranks[n] === null ? h("span", { class: "dim" }, "none") : String(trials.ranks[n])),
    h("th", { scope: "row" }, run ? link({ run }, trials.name(n)) : trials.name(n)),
    names.map((name) => cell(trials.column(name)[n])),
    took(trials) ? h("td", { class: "number" }, seconds(trials.column("duration")[n])) : null);
}

const seconds = (value) => (typeof value === "number" ? duration(value * 1000) : "");

function cell(value) {
  const known = number(value);
  if (known !== null) return h("td", { class: "number" }, said(known));
  const text = value === null || value === undefined ? "" : typeof value === "object" ? JSON.stringify(value) : String(value);
  return h("td", { title: text.length > 60 ? text : null }, text.length > 60 ? `${text.slice(0, 59)}…` : text);
}
