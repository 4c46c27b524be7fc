// What a program has printed: a terminal's colours as styled text, and nothing else that a terminal would do.

import { h } from "../dom.js";

const COLOURS = ["black", "red", "green", "yellow", "blue", "magenta", "cyan", "white"];
const STYLES = { 1: "bold", 2: "faint", 3: "italic", 4: "underlined" };
// A change of colour is kept as a group; whatever else a terminal is told is passed over.
const SEQUENCE = /\x1b\[([\d;]*)m|\x1b\[[\x30-\x3f]*[\x20-\x2f]*[\x40-\x7e]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b[\x20-\x2f]*[\x30-\x7e]|[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]/g;

/** A text with its colours. */
export function coloured(text) {
  const made = [];
  let style = new Set();
  let at = 0;
  const put = (end) => {
    const part = text.slice(at, end);
    if (part) made.push(style.size ? h("span", { class: [...style].join(" ") }, part) : part);
  };
  for (const found of text.matchAll(SEQUENCE)) {
    put(found.index);
    at = found.index + found[0].length;
    if (found[1] !== undefined) style = turned(style, found[1]);
  }
  put(text.length);
  return made;
}

function turned(style, codes) {
  const now = new Set(style);
  const drop = (holds) => now.forEach((one) => holds(one) && now.delete(one));
  const list = codes.split(";").map(Number);
  for (let n = 0; n < list.length; n += 1) {
    const code = list[n];
    if (code === 0) now.clear();
    else if (STYLES[code]) now.add(STYLES[code]);
    else if (code === 22) drop((one) => one === "bold" || one === "faint");
    else if (code === 23 || code === 24) now.delete(STYLES[code - 20]);
    else if (code === 38 || code === 48) n += list[n + 1] === 5 ? 2 : 4; // of 256 colours or more: left as it is
    else if ((code >= 30 && code <= 37) || (code >= 90 && code <= 97)) {
      drop((one) => one.startsWith("ink-"));
      now.add(`ink-${COLOURS[code % 10]}`);
    } else if (code === 39) drop((one) => one.startsWith("ink-"));
  }
  return now;
}
