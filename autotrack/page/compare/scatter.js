// Any parameter or metric against any other, coloured by a third: a point for each run.

import { go, h, note, svg } from "../dom.js";
import { apart, choice, scale, short, sized, tint } from "./figure.js";

const [NARROW, WIDE, HEIGHT, LEFT, BOTTOM, EDGE] = [300, 820, 320, 78, 44, 28];

export function scatter(frame, query, defaults) {
  const chosen = { x: query.get("x"), y: query.get("y"), colour: query.get("colour") };
  for (const [name, value] of Object.entries(defaults)) if (!frame.has(chosen[name])) chosen[name] = value;
  const place = h("div", {});
  const told = h("p", { class: "told" });
  const draw = async () => {
    const names = [chosen.x, chosen.y, ...(chosen.colour ? [chosen.colour] : [])];
    const columns = await frame.columns(names);
    const width = Math.max(NARROW, Math.min(WIDE, place.clientWidth));
    place.replaceChildren(picture(frame, names, columns, told, width));
  };
  const pick = (name) => (value) => {
    chosen[name] = value;
    note({ [name]: value || null });
    return draw();
  };
  const choices = h("p", { class: "choices" },
    choice("across", frame.fields, chosen.x, pick("x")), choice("up", frame.fields, chosen.y, pick("y")),
    choice("colour", frame.fields, chosen.colour, pick("colour"), "none"));
  sized(place, draw);
  return [choices, h("figure", { class: "drawn" }, place, told)];
}

function picture(frame, names, columns, told, width) {
  const [x, y, hue] = columns.map(scale);
  const points = frame.names.flatMap((name, n) => {
    const at = [x.place(columns[0][n]), y.place(columns[1][n])];
    return at.includes(null) ? [] : [{ n, name, left: LEFT + at[0] * (width - LEFT - EDGE), top: HEIGHT - BOTTOM - at[1] * (HEIGHT - BOTTOM - EDGE) }];
  });
  const say = (point) => [point.name, ...names.map((name, k) => `${frame.title(name)} ${columns[k][point.n] ?? "none"}`)].join(", ");
  const title = `${frame.title(names[1])} against ${frame.title(names[0])}: ${points.length} of ${frame.size} ${frame.what}`;
  told.textContent = `${title}${names[2] ? `; from ${describe(frame, names[2], hue)}` : ""}`;
  const resting = told.textContent;
  return svg("svg", { viewBox: `0 0 ${width} ${HEIGHT}`, role: "img", "aria-label": title },
    axes(x, y, frame.title(names[0]), frame.title(names[1]), width),
    points.map((point) => {
      const shade = hue?.place(columns[2][point.n]) ?? null;
      const listeners = {
        onmouseenter: () => { told.textContent = say(point); },
        onmouseleave: () => { told.textContent = resting; },
        onclick: frame.ids?.[point.n] ? () => go({ run: frame.ids[point.n] }) : null,
      };
      return svg("circle", { cx: point.left, cy: point.top, r: 4.5, class: !hue ? "point plain" : shade === null ? "point lacking" : "point",
        fill: shade === null ? null : tint(shade), ...listeners });
    }));
}

const describe = (frame, name, { say, at }) => `${say(at(0))} (violet) over green to ${say(at(1))} (orange) ${frame.title(name)}`;

function axes(x, y, across, up, width) {
  const [right, low] = [width - EDGE, HEIGHT - BOTTOM];
  return svg("g", { class: "axes" },
    x.ticks.map(({ at, text }) => {
      const left = LEFT + at * (right - LEFT);
      return svg("g", {}, svg("path", { d: `M${left} ${EDGE}V${low}` }), svg("text", { x: left, y: low + 16, "text-anchor": "middle" }, short(text, 12)));
    }),
    apart(y.ticks, low - EDGE).map(({ at, text }) => {
      const top = low - at * (low - EDGE);
      return svg("g", {}, svg("path", { d: `M${LEFT} ${top}H${right}` }), svg("text", { x: LEFT - 6, y: top + 4, "text-anchor": "end" }, short(text, 10)));
    }),
    svg("text", { x: (LEFT + right) / 2, y: HEIGHT - 6, "text-anchor": "middle", class: "name" }, short(across, 60)),
    svg("text", { x: 12, y: (EDGE + low) / 2, "text-anchor": "middle", class: "name", transform: `rotate(-90 12 ${(EDGE + low) / 2})` }, short(up, 36)));
}
