// Which columns there are, in which order, and which of them stay in place.

import { h } from "../dom.js";
import { PLAIN, columnOf, spelt } from "./columns.js";
import { open } from "./dialog.js";

const MOST = 300;
const KINDS = { attributes: "of the run", metrics: "metrics", params: "parameters", tags: "tags" };

/** Open the choice among all the keys there are; `change(columns, pinned)` is told what was chosen. */
export function choose(columns, pinned, keys, readings, change) {
  const chosen = [...columns];
  const fixed = new Set(pinned);
  const every = [...PLAIN.map((name) => ({ kind: "attributes", key: columnOf(name).title, name })), ...keys.map((one) => ({ ...one, name: spelt(one.kind, one.key) }))];
  const search = h("input", { type: "search", placeholder: "find a key", "aria-label": "Find a key", oninput: () => list() });
  const offered = h("div", { class: "offered" });
  const order = h("ol", { class: "order", "aria-label": "Columns in their order" });
  const said = h("p", { class: "dim", role: "status" });

  function list() {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const fits = every.filter((one) => words.every((word) => one.name.toLowerCase().includes(word) || one.key.toLowerCase().includes(word)));
    offered.replaceChildren(...Object.entries(KINDS).flatMap(([kind, title]) => {
      const some = fits.filter((one) => one.kind === kind);
      return some.length ? [h("fieldset", {}, h("legend", {}, title), some.slice(0, MOST).map(entry))] : [];
    }));
    said.textContent = fits.length ? "" : "No key has that in it.";
  }

  function entry({ kind, key, name, better }) {
    const reading = kind === "metrics"
      ? h("select", { "aria-label": `Which value of ${key}`, onchange: () => tick() }, readings.filter((one) => one !== "best" || better).map((one) => h("option", { value: one }, one)))
      : null;
    const field = () => (!reading || reading.value === "last" ? name : `${reading.value}(${name})`);
    const box = h("input", { type: "checkbox", onchange: () => {
      if (box.checked) chosen.push(field());
      else chosen.splice(chosen.indexOf(field()), 1);
      show();
    } });
    const tick = () => { box.checked = chosen.includes(field()); };
    tick();
    return h("div", { class: "key" }, h("label", {}, box, " ", key), reading);
  }

  function show() {
    order.replaceChildren(...chosen.map((name, n) => {
      const move = (by) => h("button", { type: "button", disabled: n + by < 0 || n + by >= chosen.length, "aria-label": `Move ${name} ${by < 0 ? "forwards" : "back"}`, onclick: () => {
        chosen.splice(n + by, 0, ...chosen.splice(n, 1));
        show();
        order.children[n + by].querySelectorAll("button")[by < 0 ? 0 : 1].focus();
      } }, by < 0 ? "↑" : "↓");
      const pin = h("button", { type: "button", "aria-pressed": String(fixed.has(name)), "aria-label": `Keep ${name} in place`, onclick: () => {
        if (!fixed.delete(name)) fixed.add(name);
        show();
      } }, fixed.has(name) ? "pinned" : "pin");
      const drop = h("button", { type: "button", "aria-label": `Take ${name} out`, onclick: () => { chosen.splice(n, 1); show(); list(); } }, "×");
      return h("li", {}, h("span", { title: name }, name), move(-1), move(1), pin, drop);
    }));
  }

  const apply = () => { made.close(); change(chosen, chosen.filter((name) => fixed.has(name))); };
  const usual = () => { made.close(); change(null, []); };
  const made = open("Columns", h("div", { class: "chooser" }, h("div", {}, search, offered, said), h("div", {}, order)),
    h("p", { class: "actions" }, h("button", { type: "button", onclick: apply }, "Show"), h("button", { type: "button", onclick: usual }, "The usual ones")));
  list();
  show();
  search.focus();
}
