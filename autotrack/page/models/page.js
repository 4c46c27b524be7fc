// Registered models: all of them, one, a version of one, or versions side by side.

import { access } from "../api.js";
import { h } from "../dom.js";
import * as comparison from "./comparison.js";
import * as list from "./list.js";
import * as model from "./model.js";
import * as version from "./version.js";

export async function page(query) {
  const shown = query.has("models") ? list : query.get("versions") ? comparison : query.get("version") ? version : model;
  const allowed = await access();
  const place = h("div", {});
  /** Look again at all of it, and say what was done. */
  const again = async (done) => {
    const { content } = await shown.seen(query, allowed, again);
    const said = done ? h("p", { class: "done", role: "status", tabindex: "-1" }, done) : null;
    place.replaceChildren(...[said, ...content].filter(Boolean));
    said?.focus({ preventScroll: true });
    said?.scrollIntoView({ block: "nearest" });
  };
  const { title, trail, content } = await shown.seen(query, allowed, again);
  place.replaceChildren(...content.filter(Boolean));
  return { title, trail, content: [place] };
}
