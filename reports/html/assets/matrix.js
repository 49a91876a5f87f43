// Reachability: one VNI's VTEPs against each other, from what is intended and what differs.

const WHOLE = 60;
const SIGNS = {
  "ok": "✓", "flood-missing": "F", "imet-missing": "I", "both-missing": "FI",
  "flood-extra": "+F", "imet-extra": "+I", "both-extra": "+FI", "unknown": "?", "self": "",
};
const WORDS = {
  "ok": "in place", "flood-missing": "no flood list entry", "imet-missing": "no IMET route",
  "both-missing": "neither flood list entry nor IMET route",
  "flood-extra": "flood list entry that is not intended",
  "imet-extra": "IMET route that is not intended",
  "both-extra": "flood list entry and IMET route that are not intended",
  "unknown": "not collected", "self": "itself",
};

const unlikeByVni = new Map();
for (const item of reach?.unlike ?? []) {
  if (!unlikeByVni.has(item.vni)) unlikeByVni.set(item.vni, []);
  unlikeByVni.get(item.vni).push(item);
}
const unread = new Set([...(reach?.flood_unread ?? []), ...(reach?.imet_unread ?? [])]);

/** The nodes of a VNI and, by node and VTEP, what differs from the intent. */
function vniPicture(vni) {
  const segment = reach.segments.find((it) => it.vnis.includes(vni));
  const nodes = [...(segment?.nodes ?? [])].sort(inOrder);
  const cells = new Map();
  const isolated = new Map();
  const extras = new Set();
  for (const item of unlikeByVni.get(vni) ?? []) {
    if (item.vteps === null) { isolated.set(item.node, item.state); continue; }
    const row = cells.get(item.node) ?? new Map();
    cells.set(item.node, row);
    for (const vtep of item.vteps) {
      row.set(vtep, item.state);
      if (item.state.endsWith("extra")) extras.add(vtep);
    }
  }
  const stateOf = (node, vtep) => {
    if (node === vtep) return "self";
    const found = cells.get(node)?.get(vtep);
    if (found) return found;
    if (extras.has(vtep) && !nodes.includes(vtep)) return unread.has(node) ? "unknown" : "";
    return isolated.get(node) ?? (unread.has(node) ? "unknown" : "ok");
  };
  /** What a node has of all VTEPs but those: a difference among them may not be hidden. */
  const others = (node, columns) => {
    const hidden = [...(cells.get(node) ?? [])].find(([vtep]) => !columns.includes(vtep));
    return hidden?.[1] ?? isolated.get(node) ?? (unread.has(node) ? "unknown" : "ok");
  };
  const foreign = [...extras].filter((it) => !nodes.includes(it)).sort(inOrder);
  return { nodes, cells, isolated, foreign, stateOf, others };
}

/** Which rows and columns are drawn: all of a small VNI, else the first with a difference. */
function extent(picture) {
  const { nodes, cells, isolated, foreign } = picture;
  if (nodes.length + foreign.length <= WHOLE) {
    return { rows: nodes, columns: [...nodes, ...foreign], whole: true, says: "" };
  }
  const rows = nodes.filter((node) => cells.has(node) || isolated.has(node));
  const named = new Set([...cells.values()].flatMap((row) => [...row.keys()]));
  const columns = [...nodes.filter((node) => named.has(node)), ...foreign];
  const first = (list, noun) => (list.length > WHOLE
    ? [`the first ${WHOLE} of ${counted(list.length, noun)} with a difference`] : []);
  const capped = [...first(rows, "node"), ...first(columns, "VTEP")];
  const says = capped.length
    ? `Shown: ${capped.join(" and ")}; report.json has all of them.`
    : `Only nodes with a difference are shown; ${counted(nodes.length - rows.length, "node")} without one left out.`;
  return { rows: rows.slice(0, WHOLE), columns: columns.slice(0, WHOLE), whole: false, says };
}

function matrixCell(node, vtep, found, vni) {
  const kind = found === "" ? "none" : found;
  const cell = make("td", `reach ${kind}`);
  if (kind === "none") return cell;
  const words = `${clip(node, 60)} of ${clip(vtep, 60)}: ${WORDS[kind]}`;
  cell.title = words;
  if (kind === "ok" || kind === "self" || kind === "unknown") {
    cell.append(SIGNS[kind]);
    cell.setAttribute("aria-label", WORDS[kind]);
  } else {
    const link = linkTo({ node, vni }, "", SIGNS[kind]);
    link.setAttribute("aria-label", words);
    cell.append(link);
  }
  return cell;
}

function matrixTable(vni, picture, { rows, columns, whole }) {
  const head = make("tr", "", make("th", "corner", "node ↓ VTEP →"));
  const heading = (text, title) => {
    const th = make("th", "vtep", make("span", "", bdi(clip(text, 18))));
    th.scope = "col";
    th.title = clip(title, 200);
    return th;
  };
  head.append(...columns.map((vtep) =>
    heading(vtep, picture.foreign.includes(vtep) ? `${vtep}: not intended` : vtep)));
  const rest = picture.nodes.length - columns.length + picture.foreign.length;
  if (!whole) head.append(heading(`${number(rest)} others`, "All VTEPs that are not shown"));
  const body = rows.map((node) => {
    const name = make("th", "", linkTo({ node }, "", bdi(clip(node, 24))));
    name.scope = "row";
    name.title = clip(node, 200);
    const row = make("tr", "", name,
      ...columns.map((vtep) => matrixCell(node, vtep, picture.stateOf(node, vtep), vni)));
    if (!whole) row.append(matrixCell(node, "the others", picture.others(node, columns), vni));
    return row;
  });
  const caption = make("caption", "hidden-words", `Reachability of VNI ${vni}`);
  return make("table", "matrix", caption, make("thead", "", head), make("tbody", "", ...body));
}

function matrixSays(vni, picture, { says }) {
  const { nodes, cells, isolated } = picture;
  const pairs = nodes.length * (nodes.length - 1);
  let differ = isolated.size * (nodes.length - 1);
  for (const row of cells.values()) differ += row.size;
  const unknown = nodes.filter((node) => unread.has(node)).length;
  const parts = [`VNI ${vni}: ${counted(nodes.length, "node")}, ${counted(pairs, "pair")}`];
  parts.push(differ ? `${counted(differ, "difference")}` : "no difference");
  if (unknown) parts.push(`${counted(unknown, "node")} not collected`);
  return `${parts.join(", ")}. ${says}`.trim();
}

/** Explain the signs that the table holds. */
function showLegend(table) {
  const kinds = Object.keys(WORDS).filter((kind) => kind !== "self" && table.querySelector(`.${kind}`));
  byId("matrix-legend").replaceChildren(...kinds.map((kind) =>
    make("li", "", make("span", `reach key ${kind}`, SIGNS[kind]), ` ${WORDS[kind]}`)));
}

function showMatrix() {
  if (!reach || !byId("matrix")) return;
  const all = reach.segments.flatMap((it) => it.vnis);
  const asked = [state.matrix, state.vni].map(Number).find((vni) => all.includes(vni));
  const vni = asked ?? [...unlikeByVni.keys()].sort((a, b) => a - b).find((it) => all.includes(it)) ??
    Math.min(...all);
  byId("matrix-vni").value = String(vni);
  const picture = vniPicture(vni);
  const drawn = extent(picture);
  byId("matrix-says").textContent = matrixSays(vni, picture, drawn);
  const table = byId("matrix-table");
  table.hidden = drawn.rows.length === 0;
  table.replaceChildren(matrixTable(vni, picture, drawn));
  showLegend(table);
}

function startMatrix() {
  if (!reach || !byId("matrix")) return;
  const vnis = reach.segments.flatMap((it) => it.vnis).sort((a, b) => a - b);
  const differing = vnis.filter((vni) => unlikeByVni.has(vni));
  const others = vnis.filter((vni) => !unlikeByVni.has(vni));
  byId("matrix-vni").append(
    ...differing.map((vni) => new Option(`${vni}: differs on ${
      counted(new Set(unlikeByVni.get(vni).map((it) => it.node)).size, "node")}`, vni)),
    ...others.map((vni) => new Option(`${vni}: ${unread.size ? "nothing found" : "in place"}`, vni)));
  byId("matrix").hidden = false;
}
