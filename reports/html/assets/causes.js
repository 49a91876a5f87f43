// Root causes: filtered by what is chosen, shown in portions, each with its consequences.

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

function matches(item, words) {
  if (state.node && item.host !== state.node) return false;
  if (state.check && item.check !== state.check) return false;
  if (state.vni && String(item.vni) !== state.vni) return false;
  if (state.fresh && !fresh.has(item.id)) return false;
  return words.every((word) => haystack(item).includes(word));
}

/** Keep a root cause if it or one of its consequences matches; remember which of those do. */
function filter() {
  const words = state.q.toLowerCase().split(/\s+/).filter(Boolean);
  const narrow = Boolean(words.length || state.node || state.check || state.vni || state.fresh);
  matching = causes.filter((cause) => {
    if (state.severity.size && !state.severity.has(cause.severity)) return false;
    cause.hits = cause.follows;
    if (!narrow) return true;
    const own = matches(cause, words);
    const hits = cause.follows.filter((item) => matches(item, words));
    if (!own) cause.hits = hits;
    return own || hits.length > 0;
  });
  return narrow || state.severity.size > 0;
}

// --- cards -------------------------------------------------------------------------------------

const badge = (severity) => make("span", `badge ${severity}`, severity);
const nodeName = (host) => bdi(clip(host, 120), "node");

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

/** `new` or `since …`, where the report has a history. */
function age(item) {
  if (!item.since) return [];
  return [make("span", fresh.has(item.id) ? "fresh" : "since", item.since)];
}

/** Fill a box when it is first opened: thousands of closed ones cost nothing. */
function fillWhenOpened(box, fill) {
  let filled = false;
  const once = () => {
    if (filled || !box.open) return;
    filled = true;
    fill();
  };
  box.addEventListener("toggle", once);
  return once;
}

function consequence(item) {
  const line = make("details", "", make("summary", "", badge(item.severity), " ",
    nodeName(item.host), " ", make("code", "", item.check), " ", bdi(item.headline), " ",
    ...age(item)));
  fillWhenOpened(line, () => line.append(values(item), ...evidence(item)));
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
  const fill = fillWhenOpened(box, () => addFollows(list, cause.hits));
  // What matches may not be hidden.
  if (part) { box.open = true; fill(); }
  return box;
}

/** A text in which backticks enclose commands. */
const withCode = (text) => text.split("`").map((part, place) =>
  (place % 2 ? make("code", "", part) : part));

/** How to confirm a finding by hand and how to fix it, from the catalogue of checks. */
function remedy(cause) {
  const [, confirm, fix] = data.advice[cause.check] ?? [];
  if (!fix) return [];
  return [make("details", "remedy", make("summary", "", "How to confirm and fix it"),
    make("dl", "", make("dt", "", "Confirm"), make("dd", "", make("code", "", confirm)),
      make("dt", "", "Fix"), make("dd", "", ...withCode(fix))),
    make("p", "small", ...withCode(data.example)))];
}

/** `expected → actual` on one line, for a card that is closed. */
function gist(item) {
  const short = (text) => clip(text.replaceAll("\n", ", "), 60);
  return make("span", "gist", make("span", "hidden-words", "expected "),
    bdi(short(item.expected)), make("span", "hidden-words", ", actual "),
    make("span", "arrow", " → "), bdi(short(item.actual)));
}

function card(cause) {
  const summary = make("summary", "",
    make("span", "meta", badge(cause.severity), " ", nodeName(cause.host), " ",
      make("code", "", cause.check), " ",
      make("span", "kind", cause.kind), " ", ...age(cause),
      cause.follows.length
        ? make("span", "explains", `explains ${number(cause.follows.length)} more`) : ""),
    make("h3", "", bdi(cause.headline)), gist(cause));
  const box = make("details", "cause", summary);
  const fill = fillWhenOpened(box, () => {
    const link = linkTo({ q: cause.id }, "permalink", "Link to this");
    link.setAttribute("aria-label", `Link to ${cause.headline}`);
    const about = make("p", "check", cause.title ? `${cause.title}. ` : "",
      make("span", "impact", data.advice[cause.check]?.[0] ?? ""), " ",
      linkTo({ node: cause.host }, "", "All findings of this node"), " ", link);
    box.append(about, values(cause));
    if (cause.likewise) box.append(make("p", "likewise", bdi(cause.likewise)));
    box.append(...evidence(cause), ...remedy(cause));
    if (cause.follows.length) box.append(follows(cause));
  });
  const element = make("article", `card ${cause.severity}`, box);
  element.unfold = () => { box.open = true; fill(); };
  return element;
}

function addCards(count) {
  const next = matching.slice(shown, shown + count).map(card);
  byId("cards").append(...next);
  // A few are read whole; of many the first one is, or the one whose consequences match.
  next.forEach((element, place) => {
    const cause = matching[shown + place];
    const few = matching.length <= 3 || shown + place === 0;
    if (few || cause.hits.length < cause.follows.length) element.unfold();
  });
  shown += next.length;
  const left = matching.length - shown;
  byId("more").textContent = `Show ${number(Math.min(STEP, left))} more of ${number(left)}`;
  byId("more").parentElement.hidden = left === 0;
}

function showCauses() {
  const narrowed = filter();
  byId("cards").replaceChildren();
  shown = 0;
  addCards(FIRST);
  byId("reset").disabled = !narrowed;
  byId("shown").textContent = narrowed
    ? `${number(matching.length)} of ${counted(causes.length, "root cause")}` +
      (matching.length ? " match" : " match. Clear the filter to see all.")
    : "Most severe first, then those with the most consequences.";
}

/** Offer every value of a field that a finding has, with how many have it. */
function offer(element, key, label = (name) => clip(name, 60)) {
  const counts = new Map();
  const count = (item) => {
    const value = item[key];
    if (value !== null && value !== undefined) counts.set(value, (counts.get(value) ?? 0) + 1);
  };
  for (const cause of causes) {
    count(cause);
    cause.follows.forEach(count);
  }
  element.append(...[...counts].sort(([one], [two]) => inOrder(one, two))
    .map(([name, many]) => new Option(`${label(name)} (${number(many)})`, name)));
  return counts.size;
}
