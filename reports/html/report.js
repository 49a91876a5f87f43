// The page's behaviour: shows the root causes from the JSON island in portions, filters them, and
// keeps the filter in the address (`#q=vxlan2&severity=critical&node=leaf1&check=mtu&status=drift`
// and `theme=dark`), so that a view can be shared. Texts are only ever set as text, never as HTML.
"use strict";

const FIRST = 30;
const STEP = 50;
const PRINTED = 500;
const SEVERITIES = ["critical", "warning", "info"];
const THEMES = ["auto", "light", "dark"];

const byId = (id) => document.getElementById(id);
const number = (value) => value.toLocaleString("en");
const counted = (value, noun) => `${number(value)} ${noun}${value === 1 ? "" : "s"}`;

/** Make an element with a class and children; a string child becomes text. */
function make(tag, name, ...children) {
  const element = document.createElement(tag);
  if (name) element.className = name;
  element.append(...children);
  return element;
}

const causes = JSON.parse(byId("data").textContent).causes;
const state = { q: "", severity: new Set(), node: "", check: "", status: "all", theme: "auto" };
let matching = causes;
let shown = 0;

// --- filtering ---------------------------------------------------------------------------------

/** The lower-case text that a search looks through, made once for each finding. */
function haystack(item) {
  item.hay ??= [
    item.id, item.check, item.title, item.host, item.object, item.headline, item.expected,
    item.actual, ...item.evidence.flat(),
  ].join("\n").toLowerCase();
  return item.hay;
}

function matchesText(item, words) {
  if (state.node && item.host !== state.node) return false;
  if (state.check && item.check !== state.check) return false;
  return words.every((word) => haystack(item).includes(word));
}

/** Keep a root cause if it or one of its consequences matches; remember which of those do. */
function filter() {
  const words = state.q.toLowerCase().split(/\s+/).filter(Boolean);
  const narrow = Boolean(words.length || state.node || state.check);
  matching = causes.filter((cause) => {
    if (state.severity.size && !state.severity.has(cause.severity)) return false;
    cause.hits = cause.follows;
    if (!narrow) return true;
    const own = matchesText(cause, words);
    const hits = cause.follows.filter((item) => matchesText(item, words));
    if (!own) cause.hits = hits;
    return own || hits.length > 0;
  });
  return narrow || state.severity.size > 0;
}

// --- cards -------------------------------------------------------------------------------------

const badge = (severity) => make("span", `badge ${severity}`, severity);
const bdi = (text, name) => make("bdi", name, text);
const clip = (text, limit) => (text.length > limit ? `${text.slice(0, limit - 1)}…` : text);
const node = (host) => bdi(clip(host, 120), "node");

function block(text) {
  const pre = make("pre", "", text);
  // A long text scrolls inside of its box, which a keyboard must be able to reach.
  if (text.length > 900 || text.split("\n").length > 12) pre.tabIndex = 0;
  return pre;
}

function values(item) {
  return make("div", "values",
    make("div", "expected", make("h4", "", "Expected"), block(item.expected)),
    make("div", "actual", make("h4", "", "Actual"), block(item.actual)));
}

function evidence(item) {
  return item.evidence.map(([command, text]) => make("figure", "",
    make("figcaption", "", "Evidence: ", make("code", "", command)), block(text)));
}

function consequence(item) {
  const line = make("details", "", make("summary", "", badge(item.severity), " ",
    node(item.host), " ", make("code", "", item.check), " ", bdi(item.headline)));
  const fill = () => {
    if (line.childElementCount === 1) line.append(values(item), ...evidence(item));
  };
  line.addEventListener("toggle", fill, { once: true });
  return make("li", item.severity, line);
}

/** Append the next portion of consequences, and a button for the portion after it. */
function addFollows(list, items) {
  const from = list.childElementCount;
  list.append(...items.slice(from, from + STEP).map(consequence));
  const left = items.length - from - STEP;
  if (left <= 0) return;
  const button = make("button", "", `Show ${number(Math.min(STEP, left))} more of ${number(left)}`);
  button.type = "button";
  const row = make("li", "more-follows", button);
  button.addEventListener("click", () => {
    row.remove();
    addFollows(list, items);
    list.children[from + STEP].querySelector("summary").focus();
  });
  list.append(row);
}

function follows(cause) {
  const all = cause.follows.length;
  const part = cause.hits.length < all ? `, ${number(cause.hits.length)} of them match` : "";
  const list = make("ul", "follows");
  const box = make("details", "consequences",
    make("summary", "", counted(all, "consequence") + part), list);
  const fill = () => { if (!list.childElementCount) addFollows(list, cause.hits); };
  box.addEventListener("toggle", fill, { once: true });
  // What matches may not be hidden.
  if (part) { box.open = true; fill(); }
  return box;
}

function card(cause) {
  const link = make("a", "permalink", "Link");
  link.href = `#q=${encodeURIComponent(cause.id)}`;
  link.setAttribute("aria-label", `Link to ${cause.headline}`);
  const check = make("p", "check", make("code", "", cause.check));
  if (cause.title) check.append(" ", cause.title);
  const element = make("article", `card ${cause.severity}`,
    make("header", "",
      make("p", "meta", badge(cause.severity), node(cause.host),
        make("span", "kind", cause.kind), link),
      make("h3", "", bdi(cause.headline)), check),
    values(cause), ...evidence(cause));
  if (cause.follows.length) element.append(follows(cause));
  return element;
}

function addCards(count) {
  const next = matching.slice(shown, shown + count);
  byId("cards").append(...next.map(card));
  shown += next.length;
  const left = matching.length - shown;
  byId("more").textContent = `Show ${number(Math.min(STEP, left))} more of ${number(left)}`;
  byId("more").parentElement.hidden = left === 0;
}

function render() {
  const narrowed = filter();
  byId("cards").replaceChildren();
  shown = 0;
  addCards(FIRST);
  byId("reset").disabled = !narrowed;
  byId("shown").textContent = narrowed
    ? `${number(matching.length)} of ${counted(causes.length, "root cause")}` +
      (matching.length ? " match" : " match. Clear the filter to see all.")
    : "The gravest first, then those that explain the most.";
}

// --- state in the address ----------------------------------------------------------------------

function writeHash() {
  const parts = [];
  const add = (key, value) => value && parts.push(`${key}=${encodeURIComponent(value)}`);
  add("q", state.q);
  add("severity", [...state.severity].join(","));
  add("node", state.node);
  add("check", state.check);
  add("status", state.status === "all" ? "" : state.status);
  // A shared link carries a theme only if it came with one.
  add("theme", /[#&]theme=/.test(location.hash) ? state.theme : "");
  history.replaceState(null, "", parts.length ? `#${parts.join("&")}` : location.pathname);
}

/** Read the state from the address; false if that is a plain link to a section. */
function readHash() {
  const text = location.hash.slice(1);
  if (text && !text.includes("=")) return false;
  const given = new URLSearchParams(text.replaceAll("+", "%2B"));
  const known = (given.get("severity") ?? "").split(",").filter((it) => SEVERITIES.includes(it));
  state.q = given.get("q") ?? "";
  state.severity = new Set(known);
  state.node = given.get("node") ?? "";
  state.check = given.get("check") ?? "";
  state.status = given.get("status") ?? "all";
  if (THEMES.includes(given.get("theme"))) state.theme = given.get("theme");
  return true;
}

function showState() {
  if (causes.length) {
    byId("q").value = state.q;
    select(byId("node"), state.node);
    select(byId("check"), state.check);
    for (const box of document.getElementsByName("severity")) {
      box.checked = state.severity.has(box.value);
    }
    render();
  }
  showStatus();
  showTheme();
}

/** Choose a value, adding it if it is not offered: a link may name a node without findings. */
function select(element, value) {
  element.value = value;
  if (element.value === value) return;
  element.append(new Option(value, value));
  element.value = value;
}

function showStatus() {
  byId("nodes").dataset.show = state.status;
  for (const button of document.querySelectorAll("#statuses button")) {
    button.setAttribute("aria-pressed", String(button.dataset.status === state.status));
  }
}

// --- theme -------------------------------------------------------------------------------------

function showTheme() {
  const root = document.documentElement;
  if (state.theme === "auto") delete root.dataset.theme;
  else root.dataset.theme = state.theme;
  byId("theme").textContent = `Theme: ${state.theme}`;
}

function nextTheme() {
  state.theme = THEMES[(THEMES.indexOf(state.theme) + 1) % THEMES.length];
  try { localStorage.setItem("evpn-fleet-theme", state.theme); } catch { /* not kept, then */ }
  if (/[#&]theme=/.test(location.hash)) writeHash();
  showTheme();
}

function keptTheme() {
  try {
    const kept = localStorage.getItem("evpn-fleet-theme");
    if (THEMES.includes(kept)) state.theme = kept;
  } catch { /* storage is off */ }
}

// --- start -------------------------------------------------------------------------------------

/** Offer every host and check that has a finding, with how many. */
function offer(element, key) {
  const counts = new Map();
  const count = (item) => counts.set(item[key], (counts.get(item[key]) ?? 0) + 1);
  for (const cause of causes) {
    count(cause);
    cause.follows.forEach(count);
  }
  const order = new Intl.Collator("en", { numeric: true }).compare;
  element.append(...[...counts].sort(([one], [two]) => order(one, two))
    .map(([name, many]) => new Option(`${clip(name, 60)} (${number(many)})`, name)));
}

function listen() {
  let timer = 0;
  const changed = () => {
    state.q = byId("q").value.trim();
    state.node = byId("node").value;
    state.check = byId("check").value;
    state.severity = new Set([...document.getElementsByName("severity")]
      .filter((box) => box.checked).map((box) => box.value));
    writeHash();
    render();
  };
  const form = byId("filters");
  form.addEventListener("input", (event) => {
    clearTimeout(timer);
    timer = setTimeout(changed, event.target === byId("q") ? 150 : 0);
  });
  form.addEventListener("submit", (event) => { event.preventDefault(); changed(); });
  form.addEventListener("reset", () => setTimeout(changed));
  byId("more").addEventListener("click", () => {
    const before = shown;
    addCards(STEP);
    byId("cards").children[before]?.querySelector("a").focus();
  });
  form.hidden = false;
}

function printAll() {
  if (causes.length && shown < PRINTED) addCards(PRINTED - shown);
  for (const box of document.querySelectorAll("details.consequences, #nodes details")) box.open = true;
}

function start() {
  keptTheme();
  readHash();
  if (causes.length) {
    offer(byId("node"), "host");
    offer(byId("check"), "check");
    listen();
  }
  byId("theme").hidden = false;
  byId("theme").addEventListener("click", nextTheme);
  const tabs = byId("statuses");
  if (tabs) {
    tabs.hidden = false;
    tabs.addEventListener("click", (event) => {
      if (!event.target.dataset.status) return;
      state.status = event.target.dataset.status;
      writeHash();
      showStatus();
    });
  }
  addEventListener("hashchange", () => {
    if (!readHash()) return;
    showState();
    byId("causes").scrollIntoView();
    byId("causes").focus({ preventScroll: true });
  });
  addEventListener("beforeprint", printAll);
  showState();
}

start();
