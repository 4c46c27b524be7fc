// Which page is shown: the address says it. What the pages lead to is shown without loading them again.

import { h } from "./dom.js";

/** The modules of the pages, by the part of the query that names them. Each has `page(query)`, which promises
 * `{ title, trail, content }` and may add
 * `live`: something there still runs, so that it is looked at again from time to time;
 * `refresh()`: how to look again in place; without it the page is built again;
 * `turn(query)`: how to show another address of its own in place; without it the page is built again;
 * `leave()`: what to end before another page is shown.
 * What is drawn in colours is drawn anew at the window's event `dressed`. */
const PAGES = {
  run: "./run/page.js", compare: "./compare/page.js", models: "./models/page.js", model: "./models/page.js",
  experiments: "./experiments/page.js", experiment: "./experiments/page.js", study: "./studies/page.js",
};
const FIRST = "./runs/page.js";
const LIVE_MS = 5000;
let shown = 0;
let timer = 0;
let current = null;

const moduleOf = (query) => PAGES[Object.keys(PAGES).find((name) => query.has(name))] ?? FIRST;

/** Show what the address names. While something of it runs, look again from time to time, without moving anything. */
async function show({ again = false } = {}) {
  const mine = ++shown;
  clearTimeout(timer);
  const main = document.getElementById("main");
  const query = new URLSearchParams(location.search);
  main.setAttribute("aria-busy", "true");
  let page;
  try {
    page = await (await import(moduleOf(query))).page(query);
  } catch (error) {
    page = { title: "error", trail: [], content: [h("section", {}, h("h1", {}, "This cannot be shown"), h("pre", { class: "error", role: "alert" }, error.message))] };
  }
  if (mine !== shown) return page.leave?.();
  if (again && (document.querySelector("main details[open], main input:checked") || document.getSelection()?.toString())) {
    page.leave?.();
    timer = setTimeout(look, LIVE_MS); // somebody is at work there
    return;
  }
  current?.leave?.();
  current = page;
  current.module = moduleOf(query);
  const place = scrollY;
  document.title = `${page.title} · autotrack`;
  document.getElementById("trail").replaceChildren(...within(page.trail).flatMap((one) => [" / ", one]).slice(1));
  main.replaceChildren(...page.content.filter(Boolean));
  main.setAttribute("aria-busy", "false");
  scrollTo(0, again ? place : 0);
  if (page.live) timer = setTimeout(look, LIVE_MS);
}

/** Mark the place that a trail begins with, among those above; gives the rest of the trail. */
function within([first, ...rest]) {
  const name = String(first?.textContent ?? first ?? "").toLowerCase();
  let found = null;
  for (const place of document.querySelectorAll("#places a")) {
    const here = place.textContent.toLowerCase() === name;
    if (here) found = place;
    place.toggleAttribute("aria-current", here);
    if (here) place.setAttribute("aria-current", rest.length ? "true" : "page");
  }
  // What leads back to more than the place itself, as to runs that a filter finds, stays.
  return found && (first.href ?? found.href) === found.href ? rest : [first, ...rest].filter(Boolean);
}

/** Look again at what is shown. */
async function look() {
  if (!current?.refresh) return show({ again: true });
  const [mine, page] = [shown, current];
  clearTimeout(timer);
  try {
    await page.refresh();
  } catch {
    // the server does not answer: what was seen stays, and it is asked again
  }
  if (mine === shown && page.live && !document.hidden) timer = setTimeout(look, LIVE_MS);
}

function go(address) {
  history.pushState(null, "", address);
  turn();
}

/** Show what the address names, in place where the page that is shown can. */
async function turn() {
  const query = new URLSearchParams(location.search);
  const [page, of] = [current, moduleOf(query)];
  if (!page?.turn || page.module !== of) return show();
  const mine = ++shown;
  const main = document.getElementById("main");
  clearTimeout(timer);
  main.setAttribute("aria-busy", "true");
  try {
    await page.turn(query);
  } catch {
    return show(); // which says why
  }
  if (mine !== shown) return;
  main.setAttribute("aria-busy", "false");
  if (page.live) timer = setTimeout(look, LIVE_MS);
}

addEventListener("popstate", turn);
addEventListener("go", (event) => go(event.detail));
addEventListener("visibilitychange", () => {
  if (document.hidden) clearTimeout(timer);
  else look();
});
document.addEventListener("click", (event) => {
  const link = event.target.closest?.("a[href]");
  if (!link || link.origin !== location.origin || link.hasAttribute("download") || link.pathname !== "/") return;
  if (event.button || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  event.preventDefault();
  go(link.href);
});

const theme = document.getElementById("theme");
const dress = (wanted) => wanted && document.documentElement.setAttribute("data-theme", wanted);
dress(localStorage.getItem("theme"));
theme.addEventListener("click", () => {
  const dark = getComputedStyle(document.documentElement).colorScheme.includes("dark");
  const wanted = dark ? "light" : "dark";
  localStorage.setItem("theme", wanted);
  dress(wanted);
  dispatchEvent(new Event("dressed")); // to those who draw
});

show();
