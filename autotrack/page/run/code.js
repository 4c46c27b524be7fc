// The code that ran: its commit, what differs from it, and the files beside it.

import { files as list, text } from "../api.js";
import { h, pairs } from "../dom.js";
import { context, below, fact, home } from "./asking.js";
import { lazily } from "./fold.js";

const KINDS = { "+": "added", "-": "removed", "@": "place" };
const MANY = 4000; // lines of a file's difference that are shown at once

/** All of it, as far as it was recorded; null where nothing was. */
export async function code(run) {
  const there = new Set((await list(home(run), "context")).map((one) => one.path.split("/").pop()));
  const [known, changes, cells] = await Promise.all([fact(run, "code.json"), ...["changes.diff", "cells.py"].map((name) => (there.has(name) ? context(run, name) : null))]);
  if (!known) return null;
  const files = there.has("files") ? await below(home(run), "context/files") : [];
  return [
    pairs([
      ["repository", known.vcs ? known.remote || known.root : "none"], ["branch", known.branch],
      ["commit", known.commit && h("code", {}, known.commit)],
      ["work tree", known.vcs && (known.dirty === null ? "not known" : known.dirty ? "changed" : "clean")],
      ["taken", known.late && "after the program was over: what is here may be newer than what ran"],
      ["left out", (known.left_out?.count || null) && `${known.left_out.count} files`],
    ].filter(([, value]) => value)),
    changes ? h("div", { class: "changes" }, differences(changes)) : null,
    ...files.map((one) => lazily(`${one.path.slice("context/files/".length)} (not in git)`, async () => h("pre", {}, await text(home(run), one.path)))),
    cells ? lazily("cells of the notebook, as they were executed", () => h("pre", {}, cells)) : null,
  ];
}

/** A difference as git writes it: a part for each file, lines that were added and removed in their colours. */
export function differences(text) {
  return text.split(/^(?=diff --git )/m).filter((one) => one.startsWith("diff --git ")).map((one) => {
    const lines = one.split("\n");
    const name = / b\/(.*)$/.exec(lines[0])?.[1] ?? lines[0];
    const begin = lines.findIndex((line) => line.startsWith("@@"));
    const body = begin < 0 ? lines.slice(1) : lines.slice(begin);
    const count = (mark) => body.filter((line) => line.startsWith(mark)).length;
    const made = h("pre", { class: "difference" }, body.slice(0, MANY).map((line) => h("span", { class: KINDS[line[0]] ?? null }, `${line}\n`)),
      body.length > MANY ? h("span", { class: "dim" }, `and ${body.length - MANY} lines more`) : null);
    return h("details", { open: body.length < 60 }, h("summary", {}, h("code", {}, name), " ",
      h("span", { class: "added" }, `+${count("+")}`), " ", h("span", { class: "removed" }, `−${count("-")}`)), made);
  });
}
