// The table as a file: the columns that are shown, of the chosen runs or of all that fit.

import { csv, give } from "../file.js";
import * as ask from "./questions.js";

const PAGE = 5000;

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
  give(kind === "csv" ? csv([names, ...rows.map((row) => row.values)]) : json(names, rows), `runs.${kind}`);
  return rows.length;
}

function json(names, rows) {
  const objects = rows.map(({ values }) => Object.fromEntries(names.map((name, n) => [name, plain(values[n])])));
  return new Blob([JSON.stringify(objects, null, 1)], { type: "application/json" });
}

const plain = (value) => (typeof value === "number" && !Number.isFinite(value) ? String(value) : value ?? null);
