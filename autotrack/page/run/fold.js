// Sections that fold, each with an address of its own. Which are folded otherwise than at first, the address says.

import { h, note } from "../dom.js";

const turned = () => new Set((new URLSearchParams(location.search).get("turned") ?? "").split(" ").filter(Boolean));

/** A section that can be folded. `name` is its anchor, `open` whether it is unfolded at first, `more` stands beside the
 * title; `make` makes what is in it when it is first unfolded. */
export function fold(name, title, { open = true, more = null, make = null } = {}, ...content) {
  const now = turned().has(name) ? !open : open;
  const inside = h("div", { class: "inside" }, ...content);
  const toggled = async ({ target, currentTarget }) => {
    if (target !== currentTarget) return;
    const others = turned();
    if (target.open === open) others.delete(name);
    else others.add(name);
    note({ turned: [...others].join(" ") || null });
    if (make && target.open) await filled(inside, make);
  };
  return h("details", { id: name, class: "fold", open: now, ontoggle: toggled },
    h("summary", {}, h("h2", {}, title), more === null ? null : h("span", { class: "dim" }, more)), inside);
}

/** Something within a section that is made when it is unfolded for the first time. */
export function lazily(title, make) {
  const inside = h("div", {});
  const toggled = async ({ target, currentTarget }) => {
    if (target === currentTarget && target.open) await filled(inside, make);
  };
  return h("details", { ontoggle: toggled }, h("summary", {}, title), inside);
}

async function filled(inside, make) {
  if (inside.hasChildNodes()) return;
  inside.append(h("p", { class: "dim" }, "…"));
  try {
    inside.replaceChildren(...[(await make()) ?? h("p", { class: "dim" }, "not recorded")].flat(2).filter(Boolean));
  } catch (error) {
    inside.replaceChildren(h("p", { class: "error" }, error.message));
  }
}

/** Links to sections, given as names and titles. */
export function contents(sections) {
  return h("nav", { class: "contents", "aria-label": "Sections" }, sections.map(([name, title]) =>
    h("a", { href: `#${name}`, onclick: (event) => {
      event.preventDefault();
      event.stopPropagation(); // it leads to no other page
      history.replaceState(history.state, "", `${location.pathname}${location.search}#${name}`);
      to(name);
    } }, title)));
}

/** Go to a section, and unfold it. */
export function to(name) {
  const found = document.getElementById(name);
  if (!found) return;
  if ("open" in found) found.open = true;
  found.scrollIntoView();
  found.querySelector("summary")?.focus({ preventScroll: true });
}
