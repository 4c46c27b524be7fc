// How a file is looked at, by the ending of its name. What it holds is never part of this page: texts are texts, pictures
// are pictures, and a page lies in a frame that runs nothing.

import { fileAddress, text } from "../api.js";
import { h } from "../dom.js";
import { bytes } from "../format.js";
import { markdown } from "../markdown.js";
import { pageAddress, rows } from "./asking.js";
import { tree } from "./json.js";
import { notebook } from "./notebook.js";
import { parsed, table } from "./tables.js";
import { coloured } from "./terminal.js";
import { differences } from "./code.js";

const MOST = 1_000_000; // bytes of a text that are fetched to be looked at
const KINDS = [
  [/\.(png|jpe?g|gif|webp|bmp|ico|svg|avif)$/i, picture], // an SVG is a picture: scripts in it do not run there
  [/\.(mp3|wav|ogg|oga|flac|m4a|opus)$/i, (id, path) => h("audio", { controls: true, preload: "none", src: fileAddress(id, path), "aria-label": path })],
  [/\.(mp4|webm|ogv|mov)$/i, (id, path) => h("video", { controls: true, preload: "metadata", src: fileAddress(id, path), "aria-label": path })],
  [/\.(json|geojson)$/i, async (id, path, size) => json(await beginning(id, path, size))],
  [/\.ipynb$/i, async (id, path, size) => notebook(await beginning(id, path, size))],
  [/\.csv$/i, async (id, path, size) => rowsOf(await beginning(id, path, size), ",", size)],
  [/\.tsv$/i, async (id, path, size) => rowsOf(await beginning(id, path, size), "\t", size)],
  [/\.(parquet|pq)$/i, async (id, path) => parquet(await rows(id, path))],
  [/\.(md|markdown)$/i, async (id, path, size) => markdown(await beginning(id, path, size))],
  [/\.x?html?$/i, framed],
  [/\.(diff|patch)$/i, async (id, path, size) => differences(await beginning(id, path, size))],
  [/\.(txt|log|jsonl|ya?ml|toml|py|sh|xml|ini|cfg|conf|rst|r|sql|js|ts|css|c|cc|cpp|h|java|jl|err|out)$/i, plain],
  [/(^|\/)(MLmodel|MLproject|Dockerfile|Makefile|LICENSE|README|requirements)$/, plain],
];

/** What shows a file, made when somebody looks; null for one that can only be kept. */
export function preview(id, path, size) {
  const found = KINDS.find(([pattern]) => pattern.test(path));
  return found ? () => found[1](id, path, size) : null;
}

async function beginning(id, path, size) {
  return size === 0 ? "" : text(id, path, MOST);
}

const cut = (size) => (size > MOST ? h("p", { class: "dim" }, `the first ${bytes(MOST)} of ${bytes(size)}`) : null);

function picture(id, path) {
  const image = h("img", { src: fileAddress(id, path), alt: path, loading: "lazy", onerror: () => image.replaceWith(h("p", { class: "error" }, "this is no picture that a browser can show")) });
  return image;
}

async function plain(id, path, size) {
  return [h("pre", {}, coloured((await beginning(id, path, size)) || "empty")), cut(size)];
}

function json(said) {
  try {
    return tree(JSON.parse(said));
  } catch {
    return h("pre", {}, said); // cut, or Python's own form of it
  }
}

function rowsOf(said, separator, size) {
  return [table(...parsed(said, separator, { whole: size <= MOST })), cut(size)];
}

function parquet({ columns, rows: first, count }) {
  const heads = columns.map((one) => [one.name, one.type]);
  return [table(heads, first), h("p", { class: "dim" }, `${first.length} of ${count} rows`)];
}

/** A page in a frame of no origin, without scripts, and its source beside it. */
function framed(id, path, size) {
  const frame = h("iframe", { sandbox: "", src: pageAddress(id, path), title: path, loading: "lazy", referrerpolicy: "no-referrer" });
  const source = h("button", { type: "button", onclick: async () => source.replaceWith(...[await plain(id, path, size)].flat().filter(Boolean)) }, "source");
  return [frame, source];
}
