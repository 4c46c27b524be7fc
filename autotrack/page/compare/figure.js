// What drawn figures are made of: scales, choices, a place with a width, and sections that are filled once they are seen.

import { h } from "../dom.js";
import { number } from "../format.js";

const DECADES = 100;
const FEW = 6;
const LINE = 14;

/** A colour for a place between 0 and 1, the same in light and dark. */
export const tint = (place) => `hsl(${Math.round(255 - 215 * place)} 65% ${Math.round(48 + 6 * place)}%)`;

/** A choice among fields; `none` is what it says where nothing may be chosen too. */
export function choice(title, fields, chosen, changed, none = null) {
  const options = fields.map((one) => h("option", { value: one.name, selected: one.name === chosen }, one.key));
  if (none !== null) options.unshift(h("option", { value: "", selected: !chosen }, none));
  return h("label", { class: "choice" }, h("span", {}, title), " ", h("select", { onchange: (event) => changed(event.target.value) }, options));
}

/** Draw in a place once it is in the page and has a width. */
export function sized(place, draw) {
  const seen = new ResizeObserver(() => {
    if (!place.clientWidth) return;
    seen.disconnect();
    draw();
  });
  seen.observe(place);
}

/** A section that is filled once it comes into sight. */
export function later(title, fill) {
  const inside = h("div", { class: "filling" });
  const made = h("section", {}, h("h2", {}, title), inside);
  const seen = new IntersectionObserver(async (entries) => {
    if (!entries.some((one) => one.isIntersecting)) return;
    seen.disconnect();
    inside.replaceChildren(h("p", { class: "dim" }, "…"));
    try {
      const found = await fill();
      if (found) inside.replaceChildren(...[found].flat());
      else made.remove();
    } catch (error) {
      inside.replaceChildren(h("p", { class: "dim" }, error.message));
    }
  }, { rootMargin: "600px" });
  seen.observe(inside);
  return made;
}

/** Where values lie between 0 and 1: numbers evenly, or by their logarithm where they span two decades; texts one after
 * the other. What is missing or not finite has no place. */
export function scale(values) {
  const known = values.filter((value) => value !== null);
  return known.every((value) => typeof value === "number") ? ofNumbers(known.filter(Number.isFinite)) : ofTexts(known.map(String));
}

function ofNumbers(known) {
  const [least, most] = known.reduce(([low, high], one) => [Math.min(low, one), Math.max(high, one)], [Infinity, -Infinity]);
  const log = least > 0 && most / least >= DECADES;
  const [into, out] = log ? [Math.log10, (one) => 10 ** one] : [(one) => one, (one) => one];
  const [low, high] = known.length === 0 ? [0, 1] : least === most ? [into(least) - 0.5, into(least) + 0.5] : [into(least), into(most)];
  const few = [...new Set(known)];
  return {
    place: (value) => (typeof value === "number" && Number.isFinite(value) ? (into(value) - low) / (high - low) : null),
    at: (place) => out(low + place * (high - low)),
    say: number,
    ticks: (few.length <= FEW ? few.map(into) : steps(low, high, log)).map((one) => ({ at: (one - low) / (high - low), text: number(out(one)) })),
    texts: null,
  };
}

/** Round numbers between two; whole decades on a logarithmic scale. */
function steps(low, high, log) {
  const rough = (high - low) / 5;
  const unit = 10 ** Math.floor(Math.log10(rough));
  const step = log ? Math.max(1, Math.ceil(rough)) : unit * [1, 2, 5, 10].find((one) => one * unit >= rough);
  const first = Math.ceil(low / step);
  return Array.from({ length: Math.floor(high / step + 1e-9) - first + 1 }, (_, n) => Number(((first + n) * step).toPrecision(12)));
}

function ofTexts(known) {
  const texts = [...new Set(known)].sort((a, b) => a.localeCompare(b, undefined, { numeric: true }));
  const place = new Map(texts.map((text, n) => [text, texts.length > 1 ? n / (texts.length - 1) : 0.5]));
  const every = Math.ceil(texts.length / 12);
  return {
    place: (value) => (value === null ? null : place.get(String(value)) ?? null),
    at: (where) => texts[Math.round(where * (texts.length - 1))],
    say: String,
    ticks: texts.filter((_, n) => n % every === 0).map((text) => ({ at: place.get(text), text })),
    texts,
  };
}

/** A text that fits; the whole of it is its title. */
export const short = (text, most = 18) => (text.length > most ? `${text.slice(0, most - 1)}…` : text);

/** Those ticks of an axis of so many pixels whose texts do not lie upon each other. */
export function apart(ticks, pixels) {
  let last = -1;
  return ticks.toSorted((one, other) => one.at - other.at).filter(({ at }) => {
    if ((at - last) * pixels < LINE) return false;
    last = at;
    return true;
  });
}
