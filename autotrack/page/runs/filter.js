// The field for a filter: it completes what one writes, and shows the place of what is wrong.

import { h } from "../dom.js";
import { options, placed } from "./completion.js";

/** A combobox. `known()` promises what completion knows, `submit(text)` is told what was asked for. */
export class Filter {
  constructor(known, submit) {
    Object.assign(this, { known, submit });
    this.list = h("ul", { id: "completions", role: "listbox", "aria-label": "What may stand here", hidden: true });
    this.mirror = h("div", { class: "mirror", "aria-hidden": "true" });
    this.field = h("input", {
      type: "text", inputmode: "search", name: "where", id: "where", autocomplete: "off", spellcheck: "false", autocapitalize: "off", "aria-label": "Filter",
      placeholder: "best(val/loss) < 0.3 AND params.lr < 0.01", role: "combobox", "aria-autocomplete": "list", "aria-expanded": "false", "aria-controls": "completions",
      oninput: () => { this.right(); this.complete(); }, onclick: () => this.complete(), onkeydown: (event) => this.typed(event),
      onblur: () => this.close(), onscroll: () => { this.mirror.scrollLeft = this.field.scrollLeft; },
    });
    this.said = h("pre", { id: "wrong", class: "error", role: "alert", hidden: true });
    this.element = h("div", { class: "field" }, this.mirror, this.field, this.list);
  }

  set(text) {
    this.field.value = text;
    this.right();
  }

  /** Offer what may stand where the keyboard is. */
  async complete() {
    const mine = (this.asked = (this.asked ?? 0) + 1);
    const place = placed(this.field.value, this.field.selectionStart ?? this.field.value.length);
    const found = await options(place, await this.known());
    if (mine !== this.asked || document.activeElement !== this.field) return;
    this.place = place;
    this.at = -1;
    this.items = found.map((one, n) => h("li", { role: "option", id: `completion-${n}`, "aria-selected": "false",
      onpointerdown: (event) => { event.preventDefault(); this.take(one.text); } }, h("span", {}, one.text), h("span", { class: "dim" }, one.says)));
    this.list.replaceChildren(...this.items);
    this.texts = found.map((one) => one.text);
    this.list.hidden = !found.length;
    this.field.setAttribute("aria-expanded", String(found.length > 0));
    this.field.removeAttribute("aria-activedescendant");
  }

  close() {
    this.asked = (this.asked ?? 0) + 1;
    this.list.hidden = true;
    this.at = -1;
    this.field.setAttribute("aria-expanded", "false");
    this.field.removeAttribute("aria-activedescendant");
  }

  typed(event) {
    const open = !this.list.hidden;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step && !open) this.complete();
    else if (step) this.point((this.at + step + this.items.length + (this.at < 0 && step < 0 ? 1 : 0)) % this.items.length);
    else if (event.key === "Escape" && open) this.close();
    else if ((event.key === "Enter" || event.key === "Tab") && open && this.at >= 0) this.take(this.texts[this.at]);
    else if (event.key === "Enter") {
      this.close();
      this.submit(this.field.value.trim());
    } else return;
    event.preventDefault();
    event.stopPropagation();
  }

  point(n) {
    this.items[this.at]?.setAttribute("aria-selected", "false");
    this.at = n;
    this.items[n].setAttribute("aria-selected", "true");
    this.items[n].scrollIntoView({ block: "nearest" });
    this.field.setAttribute("aria-activedescendant", this.items[n].id);
  }

  take(text) {
    const { value } = this.field;
    const { from, to } = this.place;
    const rest = value.slice(to);
    const gap = rest.startsWith(" ") ? "" : " ";
    this.field.value = `${value.slice(0, from)}${text}${gap}${rest}`;
    const caret = from + text.length + 1;
    this.field.setSelectionRange(caret, caret);
    this.right();
    this.complete();
  }

  /** Say what is wrong, and mark the place that the message names. */
  wrong(message) {
    const { value } = this.field;
    const place = Number(/^invalid filter at character (\d+)/.exec(message)?.[1] ?? 0) - 1;
    const at = place < 0 ? -1 : [...value].slice(0, place).join("").length; // the server counts characters
    this.said.textContent = message;
    this.said.hidden = false;
    this.field.setAttribute("aria-invalid", "true");
    this.field.setAttribute("aria-describedby", "wrong");
    if (at < 0) return;
    const wrong = /^\s*(?:'[^']*'?|[^\s()<>=!,]+|[<>=!]+|.)/s.exec(value.slice(at))?.[0] ?? "";
    this.mirror.replaceChildren(value.slice(0, at), h("mark", {}, wrong || " "), value.slice(at + wrong.length));
    this.mirror.scrollLeft = this.field.scrollLeft;
  }

  right() {
    this.said.hidden = true;
    this.said.textContent = "";
    this.mirror.replaceChildren();
    this.field.removeAttribute("aria-invalid");
    this.field.removeAttribute("aria-describedby");
  }
}
