// Markdown as elements that are made one by one: HTML in it is text, and a link leads only where a reader may be led.

import { h } from "./dom.js";

const ITEM = /^(\s*)([-*+]|\d{1,9}[.)])\s+(.*)$/;
const SCHEMES = new Set(["http:", "https:", "mailto:"]);
const MOST_DEPTH = 20;
const LONG = 20_000; // characters of a paragraph from which on it is only shown: to look through it again and again takes long

/** The elements of a text: headings, paragraphs, lists, quotes, tables, rules and code. */
export function markdown(text, depth = 0) {
  const lines = text.replaceAll("\r\n", "\n").split("\n");
  const made = [];
  let at = 0;
  const while_ = (holds) => {
    const start = at;
    while (at < lines.length && holds(lines[at])) at += 1;
    return lines.slice(start, at);
  };
  while (at < lines.length) {
    const line = lines[at];
    const heading = /^(#{1,6})\s+(.*?)\s*#*$/.exec(line);
    const fence = /^\s*(```+|~~~+)/.exec(line);
    if (!line.trim()) at += 1;
    else if (heading) {
      at += 1;
      made.push(h(`h${Math.min(6, heading[1].length + 2)}`, {}, inline(heading[2]))); // below the page's own
    } else if (fence) {
      at += 1;
      const inside = while_((one) => !one.trim().startsWith(fence[1]));
      at += 1;
      made.push(h("pre", {}, inside.join("\n")));
    } else if (/^\s*([-*_])(\s*\1){2,}\s*$/.test(line)) {
      at += 1;
      made.push(h("hr"));
    } else if (/^\s*>/.test(line) && depth < MOST_DEPTH) {
      const inside = while_((one) => /^\s*>/.test(one)).map((one) => one.replace(/^\s*> ?/, ""));
      made.push(h("blockquote", {}, markdown(inside.join("\n"), depth + 1)));
    } else if (ITEM.test(line) && depth < MOST_DEPTH) {
      made.push(list(while_((one) => ITEM.test(one) || /^\s+\S/.test(one)), depth));
    } else if (line.includes("|") && /^[\s|:-]*-[\s|:-]*$/.test(lines[at + 1] ?? "") && lines[at + 1].includes("|")) {
      made.push(table(while_((one) => one.includes("|"))));
    } else {
      const first = at;
      const some = while_((one) => at === first || (one.trim() && !/^(#{1,6}\s|\s*(```|~~~|>))/.test(one) && !ITEM.test(one)));
      made.push(h("p", {}, inline(some.join("\n"))));
    }
  }
  return made;
}

function list(lines, depth) {
  const [, indent, mark] = ITEM.exec(lines[0]);
  const items = [];
  for (const line of lines) {
    const found = ITEM.exec(line);
    if (found && found[1].length <= indent.length) items.push([found[3]]);
    else items.at(-1).push(line.replace(/^\s{1,4}/, ""));
  }
  return h(/\d/.test(mark) ? "ol" : "ul", {}, items.map(([first, ...rest]) => {
    const task = /^\[([ xX])\]\s+(.*)$/.exec(first);
    const said = task ? [task[1] === " " ? "☐ " : "☑ ", inline(task[2])] : inline(first);
    return h("li", {}, said.flat(), rest.length ? markdown(rest.join("\n"), depth + 1) : null);
  }));
}

function table([heads, , ...rows]) {
  const cells = (line) => line.trim().replace(/^\||\|$/g, "").split("|").map((one) => inline(one.trim()));
  return h("div", { class: "wide" }, h("table", { class: "list" },
    h("thead", {}, h("tr", {}, cells(heads).map((one) => h("th", { scope: "col" }, one)))),
    h("tbody", {}, rows.map((row) => h("tr", {}, cells(row).map((one) => h("td", {}, one)))))));
}

const INLINE = [
  [/`([^`]+)`/, (found) => h("code", {}, found[1])],
  [/!?\[([^\]]{0,500})\]\(\s{0,9}<?([^\s)>]{1,2000})>?[^)]{0,500}\)/, (found) => reference(found[2], found[1] || found[2])],
  [/<?(https?:\/\/[^\s<>)]+)>?/, (found) => reference(found[1], found[1])],
  [/\*\*(?=\S)([^*]+)\*\*|__(?=\S)([^_]+)__/, (found) => h("strong", {}, inline(found[1] ?? found[2]))],
  [/\*(?=\S)([^*]+)\*|\b_(?=\S)([^_]+)_\b/, (found) => h("em", {}, inline(found[1] ?? found[2]))],
  [/~~(?=\S)([^~]+)~~/, (found) => h("s", {}, inline(found[1]))],
];

/** Text with what stands out of it, and what leads elsewhere. A picture is a link: nobody else's host is asked. */
function inline(text) {
  if (text.length > LONG) return [text];
  const made = [];
  while (text) {
    const found = INLINE.map(([pattern, make]) => [pattern.exec(text), make]).filter(([one]) => one);
    if (!found.length) break;
    const [first, make] = found.reduce((one, other) => (other[0].index < one[0].index ? other : one));
    made.push(text.slice(0, first.index), make(first));
    text = text.slice(first.index + first[0].length);
  }
  return [...made, text].filter((one) => one !== "");
}

function reference(address, title) {
  let scheme = "";
  try {
    scheme = new URL(address).protocol;
  } catch {
    // nothing that leads anywhere
  }
  return SCHEMES.has(scheme) ? h("a", { href: address, rel: "noopener noreferrer", target: "_blank" }, title) : title;
}
