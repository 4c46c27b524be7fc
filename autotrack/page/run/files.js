// The files of a run as a tree, each to be looked at and to be kept.

import { fileAddress, files as ask } from "../api.js";
import { h } from "../dom.js";
import * as format from "../format.js";
import { lazily } from "./fold.js";
import { preview } from "./previews.js";

/** What lies in a directory; the context has sections of its own. */
export function listing(id, files) {
  return h("ul", { class: "files" }, files.filter((one) => one.path !== "context").map((one) => entry(id, one)));
}

function entry(id, { path, is_dir: directory, file_size: size }) {
  const name = path.split("/").pop();
  if (directory) return h("li", {}, lazily(`${name}/`, async () => listing(id, await ask(id, path))));
  const shown = preview(id, path, size ?? 0);
  return h("li", {},
    h("a", { href: fileAddress(id, path), download: name }, name), h("span", { class: "dim" }, ` ${format.bytes(size ?? 0)} `),
    shown ? lazily("look", shown) : null);
}
