// What the program has written to its standard output and error: its end first, all of it when asked for.

import { fileAddress } from "../api.js";
import { h } from "../dom.js";
import { bytes } from "../format.js";
import { coloured } from "./terminal.js";

const TAIL = 16_000;
const NAME = /^console(-[\d-]+)?\.log$/;

/** The run's console: the files of its segments, the last one first. */
export const consoles = (files) => files.filter((one) => NAME.test(one.path)).map((one) => one.path).sort().reverse();

/** The end of a console. Its `refresh()` asks whether there is more of it. */
export function output(id, path) {
  const text = h("pre", { class: "console", tabindex: 0, "aria-label": path });
  const told = h("span", { class: "dim" });
  const all = h("button", { type: "button", hidden: true, onclick: () => read({ whole: true }) }, "all of it");
  const element = h("div", {}, h("p", { class: "strip" }, h("a", { href: fileAddress(id, path), download: path }, path), told, all), text);
  let tag = "";
  let whole = false;

  async function read(wanted = {}) {
    if (wanted.whole) [whole, tag] = [true, ""];
    const headers = { ...(whole ? {} : { Range: `bytes=-${TAIL}` }), ...(tag ? { "If-None-Match": tag } : {}) };
    const response = await fetch(fileAddress(id, path), { headers, cache: "no-store" });
    if (response.status === 304) return;
    if (response.status === 416) return void (told.textContent = "nothing was written");
    if (!response.ok) throw new Error(`${path}: ${response.status} ${response.statusText}`);
    tag = response.headers.get("ETag") ?? "";
    const size = Number(response.headers.get("Content-Range")?.split("/")[1] ?? response.headers.get("Content-Length") ?? 0);
    let said = await response.text();
    const cut = !whole && size > TAIL;
    if (cut) said = said.slice(said.indexOf("\n") + 1);
    all.hidden = !cut;
    told.textContent = cut ? `its end; ${bytes(size)} in all` : bytes(size);
    const below = text.scrollTop + text.clientHeight >= text.scrollHeight - 4;
    text.replaceChildren(...coloured(said));
    if (below) text.scrollTop = text.scrollHeight;
  }

  element.refresh = () => read();
  read().then(() => { text.scrollTop = text.scrollHeight; }).catch((error) => { told.textContent = error.message; });
  return element;
}
