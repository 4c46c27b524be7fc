// The table as a file: the columns that are shown, of the chosen runs or of all that fit.

import { h } from "../dom.js";
import * as ask from "./questions.js";

const PAGE = 5000;
const TYPES = { csv: "text/csv", json: "application/json" };

/** Save the runs of a view, or of some ids, with some fields; `tell(count)` is told how far it got. */
export async function save(kind, view, fields, ids, tell) {
  const rows = [];
  const names = ["run_id", ...fields.filter((name) => name !== "run_id")];
  if (ids) {
    for (let at = 0; at < ids.length; at += 500) rows.push(...(await ask.rowsOf(view, names, ids.slice(at, at + 500))));
  } else {
    let token;
    do {
      const found = await ask.rows(view, names, { limit: PAGE, token });
      rows.push(...found.rows);
      token = found.next;
      tell(rows.length);
    } while (token);
  }
  const text = kind === "csv" ? csv(names, rows) : JSON.stringify(rows.map(({ values }) => Object.fromEntries(names.map((name, n) => [name, plain(values[n])]))), null, 1);
  const address = URL.createObjectURL(new Blob([text], { type: TYPES[kind] }));
  h("a", { href: address, download: `runs.${kind}` }).click();
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
  return rows.length;
}

const csv = (names, rows) => [names, ...rows.map((row) => row.values)].map((line) => line.map(cell).join(",")).join("\r\n") + "\r\n";

function cell(value) {
  const text = value === null || value === undefined ? "" : Array.isArray(value) ? value.join(" ") : String(value);
  return /[",\r\n]|^\s|\s$/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

const plain = (value) => (typeof value === "number" && !Number.isFinite(value) ? String(value) : value ?? null);
