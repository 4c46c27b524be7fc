// Pages on which one changes what one sees: they are looked at again in place, and say what was done.

import { access } from "./api.js";
import { h } from "./dom.js";

/** A page of what `seen(query, allowed, again)` promises, `{ title, trail, content }`. `allowed` says what whoever looks may
 * do; `again(done)` looks again, and says what was done. */
export async function changing(query, seen) {
  const allowed = await access();
  const place = h("div", {});
  const again = async (done) => {
    const { content } = await seen(query, allowed, again);
    const said = h("p", { class: "done", role: "status", tabindex: "-1" }, done);
    place.replaceChildren(said, ...content.filter(Boolean));
    said.focus({ preventScroll: true });
    said.scrollIntoView({ block: "nearest" });
  };
  const { title, trail, content } = await seen(query, allowed, again);
  place.replaceChildren(...content.filter(Boolean));
  return { title, trail, content: [place] };
}

export const readOnly = () => h("p", { class: "dim" }, "This server shows a store that it may not write to, so nothing can be changed here.");
