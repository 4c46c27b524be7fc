// What may be done with the chosen runs. Each change says first what it will do, and is made at a second click.

import { go, h, link } from "../dom.js";
import { save } from "./exporting.js";
import * as ask from "./questions.js";

const runs = (count) => `${count.toLocaleString("en")} run${count === 1 ? "" : "s"}`;

/** The buttons, and below them what the one that was pressed is about to do. `page` knows the view, who is chosen, the
 * columns and how many fit, and where it is said what was done; `changed()` has the table asked for anew. */
export class Actions {
  constructor(page) {
    this.page = page;
    const button = (title, press) => h("button", { type: "button", onclick: press }, title);
    this.compare = button("Compare", () => go({ compare: [...page.chosen].join(",") }));
    this.tag = button("Tag", () => this.tagging());
    this.remove = button(page.view.deleted ? "Restore" : "Delete", () => this.removing());
    this.export = button("Export", () => this.exporting());
    this.panel = h("div", { class: "panel", role: "group", "aria-label": "What will be done", hidden: true });
    this.said = page.said;
    const { experiments, where, sort } = page.view;
    this.every = link({ compare: "all", e: experiments[0], where, sort }, "Compare all");
    this.buttons = [this.compare, this.every, this.tag, this.remove, this.export];
    this.tell();
  }

  /** Say how many are chosen. */
  tell() {
    const { size } = this.page.chosen;
    this.compare.disabled = size < 2;
    this.every.hidden = size > 0 || this.page.view.deleted;
    this.compare.textContent = size ? `Compare ${size}` : "Compare";
    const refused = this.page.writable ? null : "This server shows a store that it may not write to";
    for (const one of [this.tag, this.remove]) {
      one.disabled = !size || Boolean(refused);
      one.title = refused ?? (size ? "" : "Choose runs first");
    }
    if (this.tag.disabled && this.panel.dataset.of === "change") this.close();
  }

  close() {
    this.panel.hidden = true;
    this.panel.replaceChildren();
  }

  open(of, ...content) {
    this.panel.dataset.of = of;
    this.panel.replaceChildren(...content, h("button", { type: "button", onclick: () => this.close() }, "Cancel"));
    this.panel.hidden = false;
    this.panel.querySelector("input, button")?.focus();
  }

  async change(what, ids, done, more) {
    try {
      const refused = await ask.change(what, ids, more, (n) => { this.said.textContent = `${n} of ${runs(ids.length)} …`; });
      const left = refused.length ? ` ${runs(refused.length)} refused it: ${refused[0].message}` : "";
      const back = { delete: "restore", restore: "delete" }[what];
      this.said.replaceChildren(`${done} ${runs(ids.length - refused.length)}.${left} `,
        back ? h("button", { type: "button", class: "plain", onclick: () => this.change(back, ids, what === "delete" ? "Restored" : "Deleted") }, "Undo") : "");
      this.close();
      await this.page.changed();
    } catch (error) {
      this.said.replaceChildren(h("span", { class: "error" }, error.message));
    }
  }

  removing() {
    const ids = [...this.page.chosen];
    const { deleted } = this.page.view;
    const says = deleted
      ? `${runs(ids.length)} come${ids.length === 1 ? "s" : ""} back into tables and searches.`
      : `${runs(ids.length)} leave${ids.length === 1 ? "s" : ""} every table and search. Nothing is erased: “Deleted” shows and restores them, until autotrack gc frees their files.`;
    this.open("change", h("p", {}, says), h("button", { type: "button", class: deleted ? null : "danger",
      onclick: () => this.change(deleted ? "restore" : "delete", ids, deleted ? "Restored" : "Deleted") }, `${deleted ? "Restore" : "Delete"} ${runs(ids.length)}`));
  }

  tagging() {
    const ids = [...this.page.chosen];
    const key = h("input", { "aria-label": "Tag", placeholder: "tag", required: true });
    const value = h("input", { "aria-label": "Value", placeholder: "value" });
    const set = () => key.value.trim() && this.change("tag", ids, "Tagged", { tags: [{ key: key.value.trim(), value: value.value }] });
    const off = () => key.value.trim() && this.change("tag", ids, "Took the tag off", { remove: [key.value.trim()] });
    const enter = (event) => { if (event.key === "Enter") set(); };
    key.addEventListener("keydown", enter);
    value.addEventListener("keydown", enter);
    this.open("change", h("p", {}, `Set a tag of ${runs(ids.length)}, over a value that is there, or take it off.`), key, value,
      h("button", { type: "button", onclick: set }, `Set on ${runs(ids.length)}`), h("button", { type: "button", onclick: off }, "Take off"));
  }

  exporting() {
    const { chosen, asking: view, fields } = this.page;
    const ids = chosen.size ? [...chosen] : null;
    const count = ids ? ids.length : this.page.total;
    const says = `${ids ? "The chosen" : "All"} ${count === null ? "runs" : runs(count)}${ids ? "" : " that fit"}, with their ids and the ${fields.length} columns shown.`;
    const told = h("p", {}, says);
    const start = (kind) => async () => {
      try {
        const saved = await save(kind, view, fields, ids, (n) => { told.textContent = `${runs(n)} …`; });
        this.close();
        this.said.textContent = `Saved ${runs(saved)} in runs.${kind}.`;
      } catch (error) {
        told.replaceChildren(h("span", { class: "error" }, error.message));
      }
    };
    this.open("export", told, h("button", { type: "button", onclick: start("csv") }, "CSV"), h("button", { type: "button", onclick: start("json") }, "JSON"));
  }
}
