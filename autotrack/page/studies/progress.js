// How far a search has come: a point for each trial, and a line of the best value so far.

import { apart, scale, sized } from "../compare/figure.js";
import { go, h, svg } from "../dom.js";
import { number } from "../format.js";

const [NARROW, WIDE, HEIGHT, LEFT, BOTTOM, EDGE] = [300, 820, 220, 70, 30, 10];

/** The figure, with a line that says what is under the pointer. */
export function progress(trials) {
  const best = trials.bestSoFar();
  if (best.at(-1) === null) return [h("p", { class: "dim" }, "No trial has a finite value yet.")];
  const place = h("div", {});
  const said = h("p", { class: "dim" });
  sized(place, () => place.replaceChildren(picture(trials, best, said, Math.max(NARROW, Math.min(WIDE, place.clientWidth)))));
  return [h("figure", { class: "drawn progress" }, place, said)];
}

function picture(trials, best, said, width) {
  const x = scale(trials.values.map((_, n) => n));
  const y = scale(trials.values.filter((value) => value !== null && Number.isFinite(value)));
  const at = (n, value) => [LEFT + x.place(n) * (width - LEFT - EDGE), HEIGHT - BOTTOM - y.place(value) * (HEIGHT - BOTTOM - EDGE)];
  const odd = trials.values.filter((value) => value !== null && !Number.isFinite(value)).length;
  const missing = trials.values.filter((value) => value === null).length;
  const last = best.at(-1);
  const rest = [`the best of ${trials.size} is ${number(last)}, of ${trials.name(trials.ranks.indexOf(1))}`, odd ? `${odd} are not finite` : "", missing ? `${missing} have none` : ""].filter(Boolean).join("; ");
  said.textContent = rest;
  const points = trials.values.flatMap((value, n) => {
    if (value === null || !Number.isFinite(value)) return [];
    const [left, top] = at(n, value);
    return svg("circle", { cx: left, cy: top, r: 3.5, class: "point plain",
      onmouseenter: () => { said.textContent = `${trials.name(n)}: ${number(value)}, rank ${trials.ranks[n]}`; },
      onmouseleave: () => { said.textContent = rest; },
      onclick: trials.run(n) ? () => go({ run: trials.run(n) }) : null });
  });
  const title = `${trials.title(trials.by)} of each trial, and the best so far: ${number(last)}`;
  return svg("svg", { viewBox: `0 0 ${width} ${HEIGHT}`, role: "img", "aria-label": title },
    axes(x, y, width), svg("path", { class: "best", d: steps(best, at) }), points);
}

/** A line that goes on level until a better value comes. */
function steps(best, at) {
  const first = best.findIndex((value) => value !== null);
  const [left, top] = at(first, best[first]);
  return best.slice(first + 1).reduce((path, value, k) => {
    const [to, height] = at(first + 1 + k, value);
    return `${path}H${to}V${height}`;
  }, `M${left} ${top}`);
}

const axes = (x, y, width) => svg("g", { class: "axes" },
  x.ticks.map(({ at, text }) => svg("text", { x: LEFT + at * (width - LEFT - EDGE), y: HEIGHT - 10, "text-anchor": "middle" }, text)),
  apart(y.ticks, HEIGHT - BOTTOM - EDGE).map(({ at, text }) => {
    const top = HEIGHT - BOTTOM - at * (HEIGHT - BOTTOM - EDGE);
    return svg("g", {}, svg("path", { d: `M${LEFT} ${top}H${width - EDGE}` }), svg("text", { x: LEFT - 6, y: top + 4, "text-anchor": "end" }, text));
  }));
