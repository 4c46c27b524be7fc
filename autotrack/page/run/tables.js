// Rows out of a text, and how they are shown.

import { h } from "../dom.js";

const ROWS = 100;
const COLUMNS = 200;

/** The heads and the first rows of comma-separated values; of a text that is cut, not the last row. */
export function parsed(text, separator, { whole }) {
  const rows = [];
  let [row, cell, quoted] = [[], "", false];
  for (let n = 0; n < text.length && rows.length <= ROWS; n += 1) {
    const letter = text[n];
    if (quoted) {
      if (letter !== '"') cell += letter;
      else if (text[n + 1] === '"') cell += text[(n += 1)];
      else quoted = false;
    } else if (letter === '"' && !cell) quoted = true;
    else if (letter === separator) {
      row.push(cell);
      cell = "";
    } else if (letter === "\n") {
      row.push(cell.replace(/\r$/, ""));
      rows.push(row);
      [row, cell] = [[], ""];
    } else cell += letter;
  }
  if (whole && rows.length <= ROWS && (cell || row.length)) rows.push([...row, cell]);
  const [heads = [], ...rest] = rows;
  return [heads.map((one) => [one]), rest.slice(0, ROWS)];
}

/** A table; a head is a name and perhaps a type. */
export function table(heads, rows) {
  return h("div", { class: "wide tall" }, h("table", { class: "list" },
    h("thead", {}, h("tr", {}, heads.slice(0, COLUMNS).map(([name, type]) => h("th", { scope: "col" }, name, type ? h("small", { class: "dim" }, ` ${type}`) : null)))),
    h("tbody", {}, rows.map((row) => h("tr", {}, row.slice(0, COLUMNS).map((one) => h("td", {}, one ?? h("span", { class: "dim" }, "null"))))))));
}
