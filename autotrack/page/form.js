// Forms that change something: what went wrong is said at the place, and nothing is sent twice.

import { h } from "./dom.js";

/** A form with a button. `act(values)` does what the button says; while it does, the button waits, and the message of an
 * error stands below it. */
export function form(title, fields, act, attributes = {}) {
  const said = h("p", { class: "error", role: "alert", hidden: true });
  const button = h("button", {}, title);
  const made = h("form", { class: "change", ...attributes, onsubmit: async (event) => {
    event.preventDefault();
    if (button.disabled) return;
    button.disabled = true;
    said.hidden = true;
    try {
      await act(Object.fromEntries(new FormData(made)));
    } catch (error) {
      said.textContent = error.message;
      said.hidden = false;
    } finally {
      button.disabled = false;
    }
  } }, fields, button, said);
  return made;
}

/** A field with its name above it. */
export function field(title, control) {
  control.setAttribute("aria-label", title);
  return h("label", {}, h("span", {}, title), control);
}

/** A form behind a word, which is what one sees first. */
export const behind = (title, ...inside) => h("details", { class: "behind" }, h("summary", {}, title), inside.flat());

/** Why one does something; it is kept with what was done. */
export const reason = () => field("Reason", h("input", { name: "reason", maxlength: 2000, autocomplete: "off" }));

/** Who changes something, kept for the next time; nothing where the server knows by a password. */
export function who({ user }) {
  if (user) return h("p", { class: "dim" }, `as ${user}`);
  const name = h("input", { name: "who", maxlength: 200, autocomplete: "name", value: localStorage.getItem("name") ?? "",
    placeholder: "as the log has it", oninput: () => localStorage.setItem("name", name.value.trim()) });
  return field("Your name", name);
}

/** The filter of a list, which the address names by `list`; what is wrong with it is said below. */
export function search(list, where, error, example) {
  const text = h("input", { type: "search", name: "where", value: where, "aria-label": "Filter", autocomplete: "off", spellcheck: "false",
    placeholder: example, "aria-invalid": error ? "true" : null, "aria-describedby": error ? "error" : null });
  return h("form", { class: "sought", role: "search", onsubmit: (event) => {
    event.preventDefault();
    const query = new URLSearchParams({ [list]: "", ...(text.value.trim() ? { where: text.value.trim() } : {}) });
    globalThis.dispatchEvent(new CustomEvent("go", { detail: `/?${query}` }));
  } }, text, h("button", {}, "Filter"), error ? h("pre", { id: "error", class: "error", role: "alert" }, error) : null);
}
