// One drawing by uPlot: lines with the band of their extremes, axes, and marks where a value is no number.

import { h } from "../dom.js";
import { duration, moment, number } from "../format.js";
import { GREATEST, LEAST, RAW, SMOOTH } from "./columns.js";

const HUES = [210, 25, 145, 280, 55, 330, 185, 0];
const HEIGHT = 190;
const PER_CURVE = 4;
const FEW = 60; // points that are drawn as such
const LETTER = 7; // pixels of a label's letter

/** A colour for the n-th curve, the same in light and dark. */
export const colour = (n, opacity = 1) => `hsl(${HUES[n % HUES.length]} 70% ${n >= HUES.length ? 40 : 52}% / ${opacity})`;

/** The column of a curve's `which`. */
export const column = (n, which) => PER_CURVE * n + which;

/** How an x is told. */
export function told(axis, x) {
  if (axis === "time") return moment(x * 1000);
  if (axis === "elapsed") return duration(x * 1000);
  return `${axis} ${number(x)}`;
}

/**
 * Draw into a place what `columns` has made. `drawn` is `{ curves, view, axis, zoom, positive, marks }`; `zoomed(from, to)` is
 * called for what is dragged over, `pointed(row)` as the pointer moves, with null when it leaves.
 */
export function plot(place, data, drawn, { zoomed, pointed }) {
  const { curves, view, axis: along, zoom, positive } = drawn;
  const style = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const ink = () => style("--dim");
  const grid = { stroke: () => style("--line"), width: 1 };
  const axis = { stroke: ink, grid, ticks: grid };
  const ticks = (_, values) => values.map((one) => (one === null ? "" : number(one).replace(/\.?0+e/, "e")));
  const width = (_, labels) => Math.max(44, 18 + LETTER * Math.max(0, ...(labels ?? []).map((one) => one.length)));
  const elapsed = (_, values) => values.map((one) => (one === null ? "" : one ? duration(one * 1000) : "0"));
  const hidden = { stroke: "transparent", width: 0, points: { show: false } };
  const few = data[0].length < FEW;
  const series = curves.flatMap((one, n) => {
    const show = !view.off.has(one.label);
    return [
      { ...hidden, show, label: `${one.label} min` },
      { ...hidden, show, label: `${one.label} max` },
      { show, label: one.label, stroke: colour(n, view.smooth ? 0.25 : 1), width: 1.5, points: { show: few && !view.smooth, size: 4 } },
      { show: show && view.smooth > 0, label: `${one.label} smooth`, stroke: colour(n), width: 1.8, points: { show: false } },
    ];
  });
  return new globalThis.uPlot({
    width: Math.max(80, place.clientWidth),
    height: HEIGHT,
    scales: {
      // An inverse hyperbolic sine is a logarithm that goes through 0.
      x: { time: along === "time", distr: view.logx && along !== "time" ? 4 : 1, range: (_, low, high) => zoom ?? [low, high] },
      y: { distr: view.log ? (positive ? 3 : 4) : 1 },
    },
    axes: [
      along === "elapsed" ? { ...axis, values: elapsed, space: 70 } : along === "time" ? axis : { ...axis, values: ticks },
      { ...axis, size: width, values: ticks },
    ],
    bands: curves.map((_, n) => ({ series: [column(n, GREATEST), column(n, LEAST)], fill: colour(n, view.smooth ? 0.08 : 0.18) })),
    series: [{}, ...series],
    legend: { show: false },
    cursor: { drag: { setScale: false }, sync: { key: "x", filters: { pub: (type) => type === "mousemove" || type === "mouseleave" } } },
    hooks: {
      setSelect: [(made) => {
        if (made.select.width < 5) return;
        const edges = [made.select.left, made.select.left + made.select.width].map((x) => made.posToVal(x, "x"));
        made.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
        zoomed(...edges);
      }],
      setCursor: [(made) => pointed(made.cursor.idx ?? null)],
      draw: [(made) => mark(made, drawn)],
    },
  }, data, place);
}

/** A cross at the foot where a curve is NaN, a triangle at the top where it is infinite. */
function mark(made, { curves, view, marks }) {
  const { ctx, bbox } = made;
  const size = 4 * devicePixelRatio;
  ctx.save();
  ctx.lineWidth = 1.5 * devicePixelRatio;
  for (const { curve, x, nan, inf } of marks) {
    if (view.off.has(curves[curve].label)) continue;
    const at = made.valToPos(x, "x", true);
    if (at < bbox.left || at > bbox.left + bbox.width) continue;
    ctx.strokeStyle = ctx.fillStyle = colour(curve);
    ctx.beginPath();
    if (nan) {
      const foot = bbox.top + bbox.height - 2 * size;
      ctx.moveTo(at - size, foot - size);
      ctx.lineTo(at + size, foot + size);
      ctx.moveTo(at - size, foot + size);
      ctx.lineTo(at + size, foot - size);
      ctx.stroke();
    }
    if (inf) {
      const top = bbox.top + size;
      ctx.moveTo(at - size, top + size);
      ctx.lineTo(at + size, top + size);
      ctx.lineTo(at, top - size);
      ctx.fill();
    }
  }
  ctx.restore();
}

/** A dot in the colour of a curve. */
export function dot(n) {
  const made = h("i", { class: "dot" });
  made.style.background = colour(n);
  return made;
}

/** What stands at a row for a curve: its smoothed value, or its last one there; with `far` also how far it went. */
export function at(data, n, row, smooth, far) {
  const [low, high, value, mean] = [LEAST, GREATEST, RAW, SMOOTH].map((which) => data[column(n, which)]?.[row]);
  if (value === undefined) return null;
  const reach = !far || low === high ? "" : ` [${number(low)} … ${number(high)}]`;
  return smooth && typeof mean === "number" ? `${number(mean)} (${number(value)})${reach}` : `${number(value)}${reach}`;
}
