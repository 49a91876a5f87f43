// The state of the page in its address (`#q=vxlan2&severity=critical&node=leaf1&vni=2&theme=dark`),
// so that a link reproduces the view; the theme; the start.

const FIELDS = ["q", "node", "check", "vni", "find", "matrix"];

function writeHash() {
  const parts = [];
  const add = (key, value) => value && parts.push(`${key}=${encodeURIComponent(value)}`);
  FIELDS.forEach((key) => add(key, state[key]));
  add("severity", [...state.severity].join(","));
  add("new", state.fresh ? "1" : "");
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
  for (const key of FIELDS) state[key] = given.get(key) ?? "";
  state.severity = new Set(known);
  state.fresh = given.get("new") === "1" && Boolean(byId("fresh"));
  state.status = given.get("status") ?? "all";
  if (THEMES.includes(given.get("theme"))) state.theme = given.get("theme");
  return true;
}

function showState() {
  if (causes.length) {
    byId("q").value = state.q;
    for (const key of ["node", "check", "vni"]) select(byId(key), state[key]);
    for (const box of document.getElementsByName("severity")) {
      box.checked = state.severity.has(box.value);
    }
    if (byId("fresh")) byId("fresh").checked = state.fresh;
    showCauses();
  }
  showNode();
  showNodes();
  showMatrix();
  showTheme();
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

function listenToFilters() {
  let timer = 0;
  const changed = () => {
    state.q = byId("q").value.trim();
    for (const key of ["node", "check", "vni"]) state[key] = byId(key).value;
    if (byId("fresh")) state.fresh = byId("fresh").checked;
    state.severity = new Set([...document.getElementsByName("severity")]
      .filter((box) => box.checked).map((box) => box.value));
    writeHash();
    showCauses();
    showNode();
    showMatrix();
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
    byId("cards").children[before]?.querySelector("summary").focus();
  });
  form.hidden = false;
  addEventListener("keydown", (event) => {
    const typing = event.target.closest?.("input, select, textarea");
    if (event.key !== "/" || typing || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    byId("q").focus();
    byId("q").select();
  });
}

function listenToNodes() {
  const tabs = byId("statuses");
  if (!tabs) return;
  tabs.hidden = false;
  tabs.addEventListener("click", (event) => {
    if (!event.target.dataset.status) return;
    state.status = event.target.dataset.status;
    writeHash();
    showNodes();
  });
  byId("more-nodes").addEventListener("click", () => {
    nodesShown = Infinity;
    showNodes();
  });
  byId("find").addEventListener("input", () => {
    state.find = byId("find").value;
    writeHash();
    showNodes();
  });
}

/** Everything that is folded is printed; of very many root causes the first. */
function printAll() {
  nodesShown = Infinity;
  showNodes();
  if (causes.length && shown < PRINTED) addCards(PRINTED - shown);
  document.querySelectorAll("article.card").forEach((element) => element.unfold());
  for (const box of document.querySelectorAll("details.consequences, details.remedy, details.list")) box.open = true;
}

function start() {
  keptTheme();
  readHash();
  if (causes.length) {
    offer(byId("node"), "host");
    offer(byId("check"), "check");
    byId("vni").closest("label").hidden = offer(byId("vni"), "vni", (vni) => `VNI ${vni}`) === 0;
    listenToFilters();
  }
  byId("theme").hidden = false;
  byId("theme").addEventListener("click", nextTheme);
  listenToNodes();
  startMatrix();
  byId("matrix-vni")?.addEventListener("change", () => {
    state.matrix = byId("matrix-vni").value;
    writeHash();
    showMatrix();
  });
  addEventListener("hashchange", () => {
    if (!readHash()) return;
    showState();
    const section = state.matrix ? byId("reachability") : byId("causes");
    section.scrollIntoView();
    section.focus({ preventScroll: true });
  });
  addEventListener("beforeprint", printAll);
  showState();
}

start();
