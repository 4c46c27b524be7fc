// Files that a page hands out.

import { h } from "./dom.js";

const KEPT_MS = 60_000;

/** Have the browser save something under a name. */
export function give(content, name) {
  const address = URL.createObjectURL(content);
  h("a", { href: address, download: name.replaceAll(/[\\/:*?"<>|\0]/g, "-") }).click();
  setTimeout(() => URL.revokeObjectURL(address), KEPT_MS);
}

/** A table of lines as CSV; nothing for what is nullish. */
export const csv = (lines) => new Blob([lines.map((line) => `${line.map(cell).join(",")}\r\n`).join("")], { type: "text/csv" });

function cell(value) {
  const text = value === null || value === undefined ? "" : Array.isArray(value) ? value.join(" ") : String(value);
  return /[",\r\n]|^\s|\s$/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
