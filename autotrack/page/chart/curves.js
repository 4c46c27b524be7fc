// Curves of one or several runs, with exact extremes at every zoom: the server answers for what is in sight.

import { history } from "../api.js";
import { h } from "../dom.js";
import { moment, number } from "../format.js";

const HUES = [210, 25, 145, 280, 55, 330, 185, 0];
const HEIGHT = 190;

/** A colour for the n-th curve, the same in light and dark. */
export const colour = (n, opacity = 1) => `hsl(${HUES[n % HUES.length]} 70% ${n >= HUES.length ? 40 : 52}% / ${opacity})`;

/**
 * A chart of several curves: `curves` are `{ run, key, label }`, `options` are `{ axis: "step" | "time", log }`.
 * It asks for its points once it comes into sight, and again for each zoom. Drag to zoom, double click for all.
 */
export function chart(title, curves, options) {
  const place = h("div", { class: "plot", role: "img", "aria-label": `${title} of ${curves.length} curves` });
  const said = h("p", { class: "dim", hidden: true });
  const figure = h("figure", {}, h("figcaption", {}, title), place, said);
  const seen = new IntersectionObserver((entries) => {
    if (!entries.some((one) => one.isIntersecting)) return;
    seen.disconnect();
    draw(place, said, curves, options);
  });
  seen.observe(figure);
  return figure;
}

async function draw(place, said, curves, options, range = {}) {
  const points = Math.max(100, Math.min(600, Math.floor(place.clientWidth / 2)));
  try {
    const found = await Promise.all(curves.map((one) => history(one.run, one.key, { ...options, ...range, points })));
    if (found.every((one) => one.points < 2)) return place.closest("figure").remove(); // a value, no curve
    if (!globalThis.uPlot) throw new Error("uPlot is not installed where the server runs: pip install 'autotrack-ml[page]'");
    const { data, odd } = joined(found);
    said.textContent = odd ? `NaN or infinite, and not drawn: ${odd}` : "";
    said.hidden = !odd;
    show(place, data, curves, options, (start, end) => draw(place, said, curves, options, { start, end }));
  } catch (error) {
    said.textContent = error.message;
    said.hidden = false;
  }
}

/** uPlot's columns: one of x, then for each curve its lowest, highest and last values. */
function joined(found) {
  const at = [...new Set(found.flatMap((one) => one.buckets.at))].sort((a, b) => a - b);
  const place = new Map(at.map((x, n) => [x, n]));
  const columns = found.flatMap((one) =>
    ["minimum", "maximum", "last"].map((name) => {
      const column = new Array(at.length).fill(undefined); // joined to its neighbours; null would be a gap
      one.buckets.at.forEach((x, n) => { column[place.get(x)] = one.buckets[name][n]; });
      return column;
    }));
  const odd = found.reduce((sum, one) => sum + total(one.buckets.nan) + total(one.buckets.inf), 0);
  return { data: [at, ...columns], odd };
}

const total = (values) => values.reduce((sum, one) => sum + one, 0);

function show(place, data, curves, { axis, log }, zoom) {
  const style = getComputedStyle(document.documentElement);
  const ink = style.getPropertyValue("--dim").trim();
  const grid = { stroke: style.getPropertyValue("--line").trim(), width: 1 };
  const hidden = { stroke: "transparent", width: 0, points: { show: false } };
  const alone = data[0].length < 60;
  const series = curves.flatMap((one, n) => [
    { ...hidden, label: `${one.label} min` },
    { ...hidden, label: `${one.label} max` },
    { label: one.label, stroke: colour(n), width: 1.5, points: { show: alone, size: 4 }, value: (_, v) => number(v) },
  ]);
  place.plot?.destroy();
  place.plot = new globalThis.uPlot({
    width: place.clientWidth,
    height: HEIGHT,
    scales: { x: { time: axis === "time" }, y: { distr: log ? 3 : 1 } },
    axes: [
      { stroke: ink, grid, ticks: grid },
      { stroke: ink, grid, ticks: grid, size: 62, values: (_, ticks) => ticks.map((one) => (one === null ? "" : number(one))) },
    ],
    bands: curves.map((_, n) => ({ series: [3 * n + 2, 3 * n + 1], fill: colour(n, 0.18) })),
    series: [{ label: axis, value: (_, v) => (axis === "time" ? moment(v * 1000) : number(v)) }, ...series],
    legend: { show: false },
    cursor: { drag: { setScale: false } },
    hooks: {
      setSelect: [(plot) => {
        if (plot.select.width < 5) return;
        const [left, right] = [plot.select.left, plot.select.left + plot.select.width].map((x) => plot.posToVal(x, "x"));
        const scale = axis === "time" ? 1000 : 1;
        zoom(Math.floor(left * scale), Math.ceil(right * scale));
      }],
      setCursor: [(plot) => told(place, plot, curves)],
    },
  }, axis === "time" ? [data[0].map((x) => x / 1000), ...data.slice(1)] : data, place);
  place.ondblclick = () => zoom(undefined, undefined);
}

/** The values under the pointer. */
function told(place, plot, curves) {
  const at = plot.cursor.idx;
  const label = place.querySelector(".told") ?? place.appendChild(h("div", { class: "told" }));
  if (at === null || at === undefined) return label.replaceChildren();
  const x = plot.data[0][at];
  const lines = curves.map((one, n) => [one, plot.data[3 * n + 3][at], n]).filter(([, value]) => value !== undefined && value !== null);
  label.replaceChildren(
    h("span", { class: "dim" }, plot.scales.x.time ? moment(x * 1000) : `step ${number(x)}`),
    ...lines.slice(0, 10).map(([one, value, n]) => {
      const dot = h("i", {});
      dot.style.background = colour(n);
      return h("span", {}, dot, ` ${one.label} `, h("b", {}, number(value)));
    }));
}

/** Metrics that belong into one chart: those of training, validation and test of the same thing. The most telling first. */
export function grouped(keys) {
  const groups = new Map();
  for (const key of [...keys].sort()) {
    const found = /^(train|training|val|valid|validation|eval|test)[/_-](.+)$/.exec(key);
    const name = found ? found[2] : key;
    groups.set(name, [...(groups.get(name) ?? []), key]);
  }
  const rank = ([name, some]) => (/loss/.test(name) ? 0 : some.length > 1 ? 1 : /acc|auc|f1|score|error|rmse|mae|r2/.test(name) ? 2 : /second|time|memory|grad|lr$/.test(name) ? 4 : 3);
  return new Map([...groups].sort((a, b) => rank(a) - rank(b)));
}
