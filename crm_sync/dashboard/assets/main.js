// State, filters, theme and refreshing. The document is replaced as a whole; filters and opened parts stay.

let doc = JSON.parse(byId("data").textContent);
const filter = { object: "", direction: "", text: "" };

// Two columns of about one height: until the lag has days to draw, it changes places with the budget.
function glancePart() {
  const isShort = new Set(doc.lag.map((row) => row.day)).size < 2;
  const stack = (kind, ...parts) => h("div", { class: `stack ${kind}` }, parts);
  return [stack("wider", writesPart(), isShort ? apiPart() : lagPart()), stack("", coveragePart(), isShort ? lagPart() : apiPart())];
}

const PARTS = [errorsPart, glancePart, issuesPart, conflictsPart, driftPart, runsPart];

// Whether a row passes the filters named. What belongs to no object or direction belongs to all.
function fits(row, ...names) {
  return names.every((name) => {
    if (!filter[name]) return true;
    if (name !== "text") return !row[name] || row[name] === filter[name];
    const text = haystack(row);
    return filter.text.toLowerCase().split(/\s+/).every((word) => text.includes(word));
  });
}

const haystacks = new WeakMap();
function haystack(row) {
  if (!haystacks.has(row)) haystacks.set(row, Object.values(row).filter((one) => one !== null).join("\u0000").toLowerCase());
  return haystacks.get(row);
}

// ---------------------------------------------------------------- drawing

function render() {
  const focused = document.activeElement?.dataset?.focus;
  const never = doc.banner.state === "never";
  document.title = `${doc.banner.headline} · Sync health (${doc.target})`;
  byId("written").replaceChildren(...(doc.published_at ? ["As of ", time(doc.published_at), ` UTC`] : []));
  byId("banner").replaceChildren(bannerPart());
  byId("tiles").replaceChildren(...(never ? [] : [tilesPart()]));
  byId("filters").hidden = never;
  offerObjects();
  byId("sections").replaceChildren(...(never ? [firstSteps()] : PARTS.flatMap((part) => part())));
  byId("found").textContent = filtersOn() ? foundWords() : "";
  byId("filter-clear").disabled = !filtersOn();
  if (focused) [...document.querySelectorAll("[data-focus]")].find((one) => one.dataset.focus === focused)?.focus();
}

function foundWords() {
  const conflicts = doc.conflicts.rows.filter((row) => fits(row, "object", "direction", "text")).length;
  return [
    plural(amount(kinds(doc.errors, "error_code")), "error", "errors"),
    plural(amount(kinds(doc.issues, "issue_type")), "data-quality issue", "data-quality issues"),
    plural(conflicts, "conflict", "conflicts"),
  ].join(", ") + (filter.text && isCut() ? ". The search looks through the rows that this page holds, not through all." : "");
}

const isCut = () => [doc.errors, doc.issues, doc.conflicts].some((part) => part.rows.length < part.total);

function offerObjects() {
  const lists = [doc.coverage, doc.writes.totals, doc.errors.groups, doc.issues.groups, doc.conflicts.rows];
  const objects = [...new Set(lists.flat().map((row) => row.object).filter(Boolean))].sort();
  if (filter.object && !objects.includes(filter.object)) objects.push(filter.object);
  byId("filter-object").replaceChildren(h("option", { value: "" }, "All objects"), ...objects.map((object) => h("option", { value: object }, sentence(object))));
  byId("filter-object").value = filter.object;
}

// ---------------------------------------------------------------- filters, kept in the address

function readAddress() {
  const given = new URLSearchParams(location.hash.slice(1));
  filter.object = given.get("object") || "";
  filter.direction = given.get("direction") in DIRECTIONS ? given.get("direction") : "";
  filter.text = given.get("text") || "";
  byId("filter-direction").value = filter.direction;
  byId("filter-text").value = filter.text;
}

function filterBy(changes) {
  Object.assign(filter, changes);
  ui.page.clear();
  const kept = new URLSearchParams(Object.entries(filter).filter(([, text]) => text)).toString();
  history.replaceState(null, "", kept ? `#${kept}` : location.pathname + location.search);
  render();
}

function listen() {
  let waiting = 0;
  byId("filter-object").addEventListener("change", (event) => filterBy({ object: event.target.value }));
  byId("filter-direction").addEventListener("change", (event) => filterBy({ direction: event.target.value }));
  byId("filter-text").addEventListener("input", (event) => {
    clearTimeout(waiting);
    waiting = setTimeout(() => filterBy({ text: event.target.value.trim() }), 120);
  });
  byId("filters").addEventListener("submit", (event) => event.preventDefault());
  byId("filters").addEventListener("reset", (event) => {
    event.preventDefault();
    byId("filter-direction").value = byId("filter-text").value = "";
    filterBy({ object: "", direction: "", text: "" });
    byId("filter-text").focus();
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey || /^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName)) return;
    event.preventDefault();
    byId("filter-text").focus();
  });
  addEventListener("hashchange", () => { readAddress(); render(); });
  for (const [event, printing] of [["beforeprint", true], ["afterprint", false]]) addEventListener(event, () => { ui.printing = printing; render(); });
}

// ---------------------------------------------------------------- light and dark

function theme() {
  const themes = { auto: "Theme: auto", light: "Theme: light", dark: "Theme: dark" };
  const button = byId("theme");
  button.hidden = false;
  const kept = { get: () => { try { return localStorage.getItem("crm-sync-theme"); } catch { return null; } },
    set: (name) => { try { localStorage.setItem("crm-sync-theme", name); } catch { /* a file may not keep anything */ } } };
  let current = kept.get() in themes ? kept.get() : "auto";
  const apply = () => {
    document.documentElement.dataset.theme = current;
    button.textContent = themes[current];
  };
  button.addEventListener("click", () => {
    const names = Object.keys(themes);
    current = names[(names.indexOf(current) + 1) % names.length];
    kept.set(current);
    apply();
  });
  apply();
}

// ---------------------------------------------------------------- newer documents, when a server stands behind the page

async function watch({ tag, every_ms: every }) {
  for (;;) {
    await new Promise((done) => setTimeout(done, every));
    if (document.hidden) continue;
    try {
      const answer = await fetch("data.json", { headers: { "If-None-Match": tag }, cache: "no-store" });
      byId("silent").hidden = answer.status < 500;
      if (answer.status !== 200) continue;
      doc = await answer.json();
      tag = answer.headers.get("ETag");
      render();
    } catch {
      byId("silent").hidden = false;
    }
  }
}

theme();
readAddress();
listen();
render();
if (doc.live) watch(doc.live);
