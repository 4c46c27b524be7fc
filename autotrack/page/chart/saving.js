// A chart as a file: a picture of pixels or of lines, or the table that it is drawn from.

import { h, svg } from "../dom.js";
import { csv, give } from "../file.js";
import { number } from "../format.js";
import { GREATEST, LEAST, RAW, SMOOTH } from "./columns.js";
import { colour, column, told } from "./plot.js";

const MARGIN = 16, ROW = 18, TICKS = 6;

/** What saves a chart. */
export function saved(chart) {
  const kinds = { PNG: png, SVG: vector, CSV: table };
  return h("details", { class: "menu" }, h("summary", { "aria-label": `Save ${chart.title}` }, "save"),
    h("div", {}, Object.entries(kinds).map(([kind, make]) => h("button", {
      type: "button", onclick: async () => chart.plot && give(await make(chart), `${chart.title}.${kind.toLowerCase()}`),
    }, kind))));
}

const paper = () => getComputedStyle(document.documentElement).getPropertyValue("--card").trim();
const ink = () => getComputedStyle(document.documentElement).getPropertyValue("--ink").trim();
const shown = ({ curves, view }) => curves.map((one, n) => [one, n]).filter(([one]) => !view.off.has(one.label));

/** What is on the screen, with its title and legend. */
function png(chart) {
  const drawn = chart.plot.ctx.canvas;
  const scale = drawn.width / chart.plot.width;
  const lines = shown(chart);
  const canvas = h("canvas", { width: drawn.width, height: drawn.height + (2 * MARGIN + ROW * (lines.length + 1)) * scale });
  const ctx = canvas.getContext("2d");
  ctx.fillStyle = paper();
  ctx.fillRect(0, 0, canvas.width, canvas.height);
  ctx.scale(scale, scale);
  ctx.font = "13px sans-serif";
  ctx.fillStyle = ink();
  ctx.fillText(chart.title, MARGIN, MARGIN + 6);
  ctx.drawImage(drawn, 0, MARGIN + ROW, chart.plot.width, chart.plot.height);
  lines.forEach(([one, n], row) => {
    const y = MARGIN + ROW * (row + 2) + chart.plot.height;
    ctx.fillStyle = colour(n);
    ctx.fillRect(MARGIN, y - 9, 9, 9);
    ctx.fillStyle = ink();
    ctx.fillText(one.label, MARGIN + 16, y);
  });
  return new Promise((done) => canvas.toBlob(done, "image/png"));
}

/** The same as lines, for a paper. */
function vector(chart) {
  const { plot, data, view } = chart;
  const { left, top, width, height } = Object.fromEntries(Object.entries(plot.bbox).map(([name, value]) => [name, value / devicePixelRatio]));
  const lines = shown(chart);
  const tall = plot.height + 2 * MARGIN + ROW * (lines.length + 1);
  const down = MARGIN + ROW;
  const text = (x, y, said, anchor = "start") => svg("text", { x, y, "text-anchor": anchor, fill: ink() }, said);
  const round = (value) => Math.round(value * 100) / 100;
  const place = (row, which) => {
    const value = data[which]?.[row];
    return value === undefined || value === null ? null : [round(plot.valToPos(data[0][row], "x") + left), round(plot.valToPos(value, "y") + top + down)];
  };
  const path = (which) => {
    let pen = "M";
    return data[0].map((_, row) => {
      if (data[which]?.[row] === null) pen = "M"; // a gap
      const found = place(row, which);
      if (!found) return "";
      const said = `${pen}${found.join(" ")}`;
      pen = "L";
      return said;
    }).join("");
  };
  const made = svg("svg", { xmlns: "http://www.w3.org/2000/svg", width: plot.width, height: tall, viewBox: `0 0 ${plot.width} ${tall}`, "font-family": "sans-serif", "font-size": 11 },
    svg("rect", { width: "100%", height: "100%", fill: paper() }), text(MARGIN, MARGIN + 6, chart.title),
    svg("rect", { x: left, y: top + down, width, height, fill: "none", stroke: ink(), "stroke-opacity": 0.3 }));
  for (let n = 0; n <= TICKS; n += 1) {
    const [x, y] = [(width * n) / TICKS, (height * n) / TICKS];
    made.append(text(left + x, top + down + height + 14, told(chart.axis, plot.posToVal(x, "x")), "middle"));
    made.append(text(left - 4, top + down + y + 4, number(plot.posToVal(y, "y")), "end"));
  }
  lines.forEach(([one, n], row) => {
    const band = data[0].flatMap((_, m) => [place(m, column(n, LEAST))]).filter(Boolean);
    const back = data[0].flatMap((_, m) => [place(m, column(n, GREATEST))]).filter(Boolean).reverse();
    if (band.length > 1) made.append(svg("polygon", { points: [...band, ...back].map((one_) => one_.join(",")).join(" "), fill: colour(n), "fill-opacity": 0.18 }));
    const style = { fill: "none", stroke: colour(n), "stroke-width": 1.5 };
    made.append(svg("path", { d: path(column(n, RAW)), ...style, "stroke-opacity": view.smooth ? 0.25 : 1 }));
    if (view.smooth) made.append(svg("path", { d: path(column(n, SMOOTH)), ...style }));
    const y = plot.height + down + ROW * (row + 1);
    made.append(svg("rect", { x: MARGIN, y: y - 9, width: 9, height: 9, fill: colour(n) }), text(MARGIN + 16, y, one.label));
  });
  return new Blob([new XMLSerializer().serializeToString(made)], { type: "image/svg+xml" });
}

/** A row for each bucket of each curve; one of a single point is that point. */
function table(chart) {
  const rows = shown(chart).flatMap(([one, n]) => {
    const known = chart.known[n];
    return known.at.map((at, m) => [one.run, one.key, chart.axes[n].x(at), known.count[m], known.minimum[m], known.maximum[m], known.last[m], known.nan[m], known.inf[m]]);
  });
  const heads = ["run", "key", chart.axis, "points", "min", "max", "last", "nan", "infinite"];
  return csv([heads, ...rows]);
}
