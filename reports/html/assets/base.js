// The page's behaviour is in five files, put into the page one after another as one script: base
// (helpers and data), causes (root causes, filtered), matrix (reachability), nodes (the table of
// nodes), page (state in the address, theme, start). Texts are only ever set as text, never as HTML.
"use strict";

const FIRST = 30;
const STEP = 50;
const PRINTED = 500;
const SEVERITIES = ["critical", "warning", "info"];
const THEMES = ["auto", "light", "dark"];

const byId = (id) => document.getElementById(id);
const number = (value) => value.toLocaleString("en");
const counted = (value, noun) => `${number(value)} ${noun}${value === 1 ? "" : "s"}`;
const clip = (text, limit) => (text.length > limit ? `${text.slice(0, limit - 1)}…` : text);
const inOrder = new Intl.Collator("en", { numeric: true }).compare;

/** Make an element with a class and children; a string child becomes text. */
function make(tag, name, ...children) {
  const element = document.createElement(tag);
  if (name) element.className = name;
  element.append(...children);
  return element;
}

const bdi = (text, name) => make("bdi", name, text);

/** A link to another view of this page: an object of state becomes the fragment. */
function linkTo(view, name, ...children) {
  const link = make("a", name, ...children);
  link.href = `#${Object.entries(view).map(([key, value]) =>
    `${key}=${encodeURIComponent(value)}`).join("&")}`;
  return link;
}

const data = JSON.parse(byId("data").textContent);
const causes = data.causes;
const reach = data.reach;
const fresh = new Set(data.fresh);
const state = {
  q: "", severity: new Set(), node: "", check: "", vni: "", fresh: false,
  status: "all", find: "", matrix: "", theme: "auto",
};

/** Choose a value, adding it if it is not offered: a link may name a node without findings. */
function select(element, value) {
  element.value = value;
  if (element.value === value) return;
  element.append(new Option(clip(value, 60), value));
  element.value = value;
}
