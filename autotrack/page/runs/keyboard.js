// What the keyboard does on the table of runs.

import { h, pairs } from "../dom.js";
import { open } from "./dialog.js";

const SAID = [
  ["j  ↓", "next row"], ["k  ↑", "row before"], ["Page Up, Page Down", "ten rows"], ["Enter", "open the run, unfold the group"], ["→  ←", "unfold what is below the row, fold it"], ["x  Space", "choose the row, or not"],
  ["b", "take the row as baseline, or not"], ["/", "to the filter"], ["c", "columns"], ["Escape", "choose none"], ["?", "these keys"],
];
const STEPS = { j: 1, ArrowDown: 1, k: -1, ArrowUp: -1, PageDown: 10, PageUp: -10 };

export const help = () => open("Keys", h("div", {}, pairs(SAID.map(([key, what]) => [h("kbd", {}, key), what]))));

/** Listen until what is given back is called. */
export function listen(page) {
  const typed = (event) => {
    const { target, key } = event;
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || target.closest("dialog, select, textarea, input:not([type=checkbox])")) return;
    const within = target.closest(".runs tbody tr");
    if (key in STEPS && (key.length === 1 || within || target === document.body)) page.table?.step(STEPS[key]);
    else if (within && (key === "ArrowRight" || key === "ArrowLeft")) within.querySelector(`.unfold[aria-expanded="${key === "ArrowLeft"}"]`)?.click();
    else if (key === "/") page.filter.field.focus();
    else if (key === "?") help();
    else if (key === "c") page.choose();
    else if (key === "Escape") page.marks.none();
    else if (key === "x" || (key === " " && within && target.tagName === "A")) page.marks.turn(page.table?.active ?? -1);
    else if (key === "b") page.compareWith();
    else return;
    event.preventDefault();
  };
  document.addEventListener("keydown", typed);
  return () => document.removeEventListener("keydown", typed);
}
