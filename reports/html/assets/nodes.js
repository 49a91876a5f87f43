// Nodes: the table, filtered by status and name, and one node in detail.

const nodeRows = new Map([...document.querySelectorAll("#nodes tr[data-node]")]
  .map((row) => [row.dataset.node, row]));

let nodesShown = FIRST;

/** Show the first rows that match; of 2,000 nodes nobody scrolls past all. */
function showNodes() {
  const find = state.find.toLowerCase();
  let fit = 0;
  for (const [name, row] of nodeRows) {
    const right = state.status === "all" || row.dataset.status === state.status;
    const fits = right && name.toLowerCase().includes(find);
    row.hidden = !fits || fit >= nodesShown;
    if (fits) fit += 1;
  }
  const left = fit - nodesShown;
  if (byId("more-nodes")) {
    byId("more-nodes").textContent = `Show all ${number(fit)}`;
    byId("more-nodes").parentElement.hidden = left <= 0;
  }
  for (const button of document.querySelectorAll("#statuses button")) {
    button.setAttribute("aria-pressed", String(button.dataset.status === state.status));
  }
  if (byId("find")) byId("find").value = state.find;
  if (byId("found")) byId("found").textContent = fit ? "" : "No node matches.";
}

const facet = (name, ...children) => make("div", `of-${name.toLowerCase()}`, make("dt", "", name), make("dd", "", ...children));

/** One node in detail, above its findings: what was read of it and what is wrong with it. */
function showNode() {
  const panel = byId("one-node");
  if (!panel) return;
  const row = nodeRows.get(state.node);
  panel.hidden = !row;
  if (!row) return;
  const roots = causes.filter((cause) => cause.host === state.node).length;
  const folded = causes.reduce((sum, cause) =>
    sum + cause.follows.filter((item) => item.host === state.node).length, 0);
  const copy = (label) => [...row.querySelector(`[data-label="${label}"]`).childNodes]
    .map((child) => child.cloneNode(true));
  const vnis = reach?.segments.filter((it) => it.nodes.includes(state.node))
    .flatMap((it) => it.vnis).sort((a, b) => a - b) ?? [];
  const facts = make("dl", "facts", facet("Status", ...copy("Status")),
    facet("Findings", `${counted(roots, "root cause")}, ${counted(folded, "consequence")}`));
  if (vnis.length) {
    facts.append(facet("VNIs", ...vnis.slice(0, 24).flatMap((vni, place) =>
      [place ? ", " : "", linkTo({ node: state.node, matrix: vni }, "", String(vni))]),
    vnis.length > 24 ? ` and ${number(vnis.length - 24)} more` : ""));
  }
  facts.append(facet("Commands", ...copy("Commands")));
  const leave = linkTo({ node: "" }, "leave", "All nodes");
  panel.replaceChildren(make("h3", "", "Node ", nodeName(state.node)), leave, facts);
  panel.querySelectorAll("details").forEach((box) => { box.open = true; });
}
