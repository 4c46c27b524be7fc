// A text of an experiment that is changed where it stands.

import { h } from "../dom.js";
import { behind, field, form } from "../form.js";
import * as asking from "./asking.js";

/** What a tag holds, shown by `show(text)`, and the form that changes it. What somebody else has written meanwhile is not
 * overwritten: it is shown, and one decides. */
export function editable(experiment, { key, title, what, show, long = false }, allowed, again) {
  let known = experiment.tags.get(key) ?? "";
  const shown = known ? show(known) : null;
  if (allowed.read_only || experiment.lifecycle_stage !== "active") return [shown].flat();
  const control = h(long ? "textarea" : "input", { name: "text", ...(long ? { rows: 12 } : { size: 40 }), maxlength: 20_000 });
  control.value = known;
  const other = h("div", {});
  const edit = form("Save", [long ? control : field(title, control), other], async ({ text }) => {
    try {
      await asking.setTag(experiment.experiment_id, key, text.trim(), known);
    } catch (error) {
      const now = (await asking.experiment(experiment.experiment_id)).tags.get(key) ?? "";
      if (now === known) throw error;
      known = now;
      other.replaceChildren(h("p", {}, "By now it says:"), h("pre", {}, now || "nothing"));
      throw new Error("Somebody else has changed this meanwhile. Save again to put yours in its place.");
    }
    await again(`Saved: ${what}.`);
  }, { class: "change column" });
  if (long) control.setAttribute("aria-label", title);
  return [shown, behind(known ? `Change the ${what}` : `Add ${what}`, edit)].flat();
}
