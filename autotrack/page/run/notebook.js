// A notebook: its cells one after the other, their outputs as texts and pictures.

import { h } from "../dom.js";
import { markdown } from "../markdown.js";
import { coloured } from "./terminal.js";

const PICTURES = ["image/png", "image/jpeg", "image/gif"];
const joined = (text) => (Array.isArray(text) ? text.join("") : String(text ?? ""));

/** The cells of a notebook's JSON. */
export function notebook(text) {
  const { cells } = JSON.parse(text);
  if (!Array.isArray(cells)) throw new Error("this is no notebook");
  return cells.map((cell) => h("div", { class: "cell" }, ...inside(cell)));
}

function inside({ cell_type: kind, source, outputs }) {
  if (kind === "markdown") return markdown(joined(source));
  return [h("pre", {}, joined(source)), ...(Array.isArray(outputs) ? outputs : []).map(output)];
}

function output({ text, data, traceback }) {
  if (text) return h("pre", { class: "output" }, coloured(joined(text)));
  if (traceback) return h("pre", { class: "output" }, coloured(traceback.join("\n")));
  const kind = PICTURES.find((one) => data?.[one]);
  if (kind) return h("img", { src: `data:${kind};base64,${joined(data[kind]).replaceAll(/[^\w+/=]/g, "")}`, alt: "output of the cell" });
  return data?.["text/plain"] ? h("pre", { class: "output" }, joined(data["text/plain"])) : null;
}
