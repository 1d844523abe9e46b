// The parts that show how things stand: the banner, the figures, what is drawn. Each takes what the filters leave, and says
// what to do when there is nothing.

function section({ id, title, tally, notes, body }) {
  return h("section", { class: "card", id, "aria-labelledby": `${id}-title` },
    h("header", { class: "card-head" }, h("h2", { id: `${id}-title`, tabindex: -1 }, title), tally && h("p", { class: "tally" }, tally)),
    notes && h("p", { class: "muted small" }, notes),
    body);
}

const empty = (text, code) => h("p", { class: "empty" }, text, code && [" ", command(code)]);
const filtersOn = () => Boolean(filter.object || filter.direction || filter.text);

function nothing(total, text, code) {
  if (total && filtersOn()) return empty("Nothing here matches the filters.");
  return empty(text, code);
}

const tallied = (shown, total) => (shown === total ? number(total) : `${number(shown)} of ${number(total)}`);
const runAgain = () => `make sync TARGET=${doc.target}`;

// The words for filters that cannot apply, so that nobody takes a whole for a part.
function whole(...ignored) {
  const set = ignored.filter((name) => filter[name]);
  if (!set.length) return null;
  const names = { object: "object", direction: "direction", text: "search" };
  return `Of the whole sync: not narrowed by ${set.map((name) => names[name]).join(" and ")}.`;
}

// ---------------------------------------------------------------- the banner and the figures beneath it

const STATES = {
  active: ["ok", "ok"], degraded: ["warn", "warn"], failed: ["fail", "fail"], paused: ["pause", "idle"], never: ["start", "idle"],
};

function bannerPart() {
  const { state, headline, sentence: text, remedy, command: code, note } = doc.banner;
  const [iconName, kind] = STATES[state];
  const facts = doc.status && [
    ["Status", state],
    ["Last success", doc.status.last_success_at ? [time(doc.status.last_success_at), ` (${ago(doc.status.last_success_at)})`] : "never"],
    ["Last run", doc.last_run ? [time(doc.last_run.started_at), ` (${doc.last_run.status})`] : "none"],
  ];
  return h("section", { class: `banner ${kind}`, "aria-label": "Status" },
    h("div", { class: "banner-icon" }, icon(iconName)),
    h("div", { class: "banner-words" },
      h("p", { class: "banner-headline" }, headline),
      h("p", {}, text),
      note && h("p", { class: "banner-note" }, icon("wait"), note),
      facts && h("dl", { class: "facts" }, facts.map(([term, words]) => h("div", {}, h("dt", {}, term), h("dd", {}, words))))),
    (remedy || code) && h("div", { class: "banner-next" }, h("p", { class: "eyebrow" }, "Next"), remedy && h("p", {}, remedy), code && command(code)));
}

function tilesPart() {
  const { status, errors, issues, conflicts, lag, api } = doc;
  const newest = lag.length ? lag[lag.length - 1].day : null;
  const slowest = Math.max(0, ...lag.filter((row) => row.day === newest).map((row) => row.p95_seconds));
  const used = api.latest.map((row) => row.share_used).filter((share) => share !== null);
  const tiles = [
    ["coverage", "Linked pairs", number(status.linked_records), "kept in step"],
    ["errors", "Open errors", number(errors.total), errors.total ? "refused by a CRM" : "none refused", errors.total && "warn"],
    ["issues", "Data quality", number(issues.total), issues.total ? "held back, with reasons" : "nothing held back"],
    ["conflicts", "Conflicts", number(conflicts.total), conflicts.held ? `${number(conflicts.held)} wait for a person` : conflicts.total ? "all decided" : "none so far", conflicts.held && "warn"],
    ["lag", "Edit to push", newest ? duration(slowest) : "–", newest ? "95 % arrive within" : "nothing measured yet"],
    ["api", "API budget", used.length ? percent(Math.max(...used)) : "–", used.length ? "of the day’s limit" : "limit not known", Math.max(0, ...used) >= 0.8 && "warn"],
  ];
  return h("nav", { class: "tiles", "aria-label": "Parts of the page" }, tiles.map(([id, label, figure, text, kind]) =>
    h("a", { class: `tile ${kind || ""}`, href: `#${id}`, on: { click: (event) => { event.preventDefault(); goTo(id); } } },
      h("span", { class: "tile-label" }, label), h("span", { class: "tile-figure" }, kind ? icon("warn") : null, figure), h("span", { class: "tile-text" }, text))));
}

function goTo(id) {
  byId(id).scrollIntoView({ block: "start" });
  byId(`${id}-title`).focus({ preventScroll: true });
}

// ---------------------------------------------------------------- records written over time

const WRITES = [{ key: "created", label: "Created" }, { key: "updated", label: "Updated" }, { key: "rejected", label: "Refused" }];
const FEWEST_SLOTS = 12;

function writesPart() {
  const { width, first, last, rows, totals } = doc.writes;
  const left = rows.filter((row) => fits(row, "object", "direction"));
  const body = () => {
    if (!rows.length) return empty("No record has been written yet. Run a cycle:", runAgain());
    if (!left.length) return empty("Nothing here matches the filters.");
    const slots = [];
    for (let at = first; at <= last; at += width) slots.push(at);
    // a single run is a bar among empty ones, not a wall
    while (slots.length < FEWEST_SLOTS) slots.unshift(slots[0] - width);
    const sums = new Map();
    for (const row of left) for (const { key } of WRITES) {
      const name = `${row.direction}/${row.bucket}/${key}`;
      sums.set(name, (sums.get(name) || 0) + row[key]);
    }
    const panels = Object.entries(DIRECTIONS).filter(([name]) => !filter.direction || filter.direction === name)
      .map(([name, label]) => ({ label, at: (index, key) => sums.get(`${name}/${slots[index]}/${key}`) || 0 }));
    return chart({
      label: "Records written over time", panels, series: WRITES, slots, kind: "bars", height: 118,
      slotLabel: (slot) => tick(slot, width), format: (amount, isTick) => (isTick && amount % 1 ? "" : number(amount)),
    });
  };
  const totalled = totals.filter((row) => fits(row, "object", "direction"));
  return section({
    id: "writes", title: "Records written", notes: whole("text"),
    body: [body(), totalled.length ? disclosure("totals", "Totals as a table", () => table({
      key: "totals", caption: "Records written by object, direction and operation", rows: totalled,
      columns: [
        { label: "Object", cell: (row) => sentence(row.object) },
        { label: "Direction", cell: (row) => DIRECTIONS[row.direction] },
        { label: "Operation", cell: (row) => sentence(row.operation) },
        count("Ever", "records"), count("Newest run", "records_in_newest_run"),
        { label: "Last", cell: (row) => time(row.last_seen_at) },
      ],
    })) : null],
  });
}

// ---------------------------------------------------------------- matching coverage

function coveragePart() {
  const rows = doc.coverage.filter((row) => fits(row, "object"));
  const outside = (amount) => (amount ? `${number(amount)} out of scope` : null);
  const objects = rows.map((row) => {
    const parts = [
      { key: "both", label: "In both", count: row.pairs },
      { key: "only-hubspot", label: "Only HubSpot", count: row.only_hubspot, note: outside(row.out_of_scope_hubspot) },
      { key: "only-salesforce", label: "Only Salesforce", count: row.only_salesforce, note: outside(row.out_of_scope_salesforce) },
      { key: "ambiguous", label: "Ambiguous or duplicate", count: row.ambiguous },
      { key: "without-key", label: "Without a match key", count: row.without_key },
    ];
    const total = parts.reduce((sum, part) => sum + part.count, 0);
    return h("div", { class: "coverage" },
      h("h3", {}, sentence(row.object), h("span", { class: "muted" }, ` ${row.hubspot_object} ↔ ${row.salesforce_object}`)),
      total ? [
        h("p", { class: "coverage-share" }, h("strong", {}, percent(row.pairs / total)), ` of ${plural(total, "record", "records")} matched`),
        shares(parts),
        row.counterpart_deleted ? h("p", { class: "muted small" }, `${plural(row.counterpart_deleted, "record has", "records have")} lost the counterpart to a delete.`) : null,
      ] : h("p", { class: "muted small" }, "No records."));
  });
  return section({
    id: "coverage", title: "Matching coverage", notes: whole("direction", "text"),
    body: objects.length ? objects : nothing(doc.coverage.length, "Known after the next cycle:", runAgain()),
  });
}

// ---------------------------------------------------------------- API budget and lag

function apiPart() {
  const { latest, history } = doc.api;
  const figures = latest.map((row) => h("div", { class: "api" },
    h("h3", {}, CRMS[row.crm] || row.crm),
    h("p", {}, row.daily_limit
      ? [h("strong", {}, percent(row.share_used)), ` of the day’s limit: ${number(row.daily_used)} of ${number(row.daily_limit)}`]
      : "This CRM does not tell its daily limit."),
    row.daily_limit ? meter(`${CRMS[row.crm]}: share of the daily limit used`, row.share_used, 0.8) : null,
    h("p", { class: "muted small" }, `Newest run: ${plural(row.calls, "call", "calls")} for ${plural(row.records, "record", "records")}`
      + (row.calls_per_record === null ? "." : `, ${row.calls_per_record} per record.`))));
  const slots = [...new Set(history.map((one) => one.bucket))].sort((a, b) => a - b);
  const panels = latest.map(({ crm }) => ({
    label: CRMS[crm] || crm, at: (index, key) => history.find((one) => one.crm === crm && one.bucket === slots[index])?.[key] || 0,
  }));
  return section({
    id: "api", title: "API budget", notes: whole("object", "direction", "text") || "Calls of the day by everybody, this sync included. The mark is at 80 %.",
    body: figures.length ? [figures, slots.length > 1 ? [
      h("h3", { class: "sub" }, "Calls by this sync"),
      chart({
        label: "API calls by this sync over time", slots, panels, kind: "bars", height: 62, series: [{ key: "calls", label: "Calls" }], ticks: [0, 1],
        slotLabel: (slot) => tick(slot, doc.writes.width), format: (calls, isTick) => (isTick && calls % 1 ? "" : number(calls)),
      }),
    ] : null] : empty("No API call has been counted yet. Run a cycle:", runAgain()),
  });
}

const LAGS = [{ key: "p50", label: "Half within" }, { key: "p95", label: "95 % within" }];

function lagPart() {
  const rows = doc.lag.filter((row) => fits(row, "direction"));
  const days = [...new Set(doc.lag.map((row) => row.day))];
  const panels = Object.entries(DIRECTIONS).filter(([name]) => rows.some((row) => row.direction === name)).map(([name, label]) => ({
    label,
    at: (index, key) => rows.find((row) => row.direction === name && row.day === days[index])?.[`${key}_seconds`],
  }));
  const newest = panels.map((panel, at) => {
    const mine = rows.filter((row) => DIRECTIONS[row.direction] === panels[at].label);
    const row = mine[mine.length - 1];
    return h("div", { class: "lag-figures" },
      h("h3", {}, panel.label),
      h("p", {}, h("strong", {}, duration(row.p50_seconds)), " half within (p50)"),
      h("p", {}, h("strong", {}, duration(row.p95_seconds)), " 95 % within (p95)"),
      h("p", { class: "muted small" }, `${plural(row.records, "update", "updates")} on ${day(new Date(row.day))}`));
  });
  return section({
    id: "lag", title: "From edit to push", notes: whole("object", "text"),
    body: rows.length ? [
      h("div", { class: "lag-row" }, newest),
      days.length > 1 ? chart({
        label: "Time from edit to push, by day", panels, series: LAGS, slots: days, kind: "lines", height: 148,
        slotLabel: (slot) => day(new Date(slot)), format: (seconds) => (seconds ? duration(seconds) : "0"), ticks: [0, 1],
      }) : null,
    ] : nothing(doc.lag.length, "Measured when a person’s edit of a linked record is carried over. Edit a mapped field in either CRM, then run:", runAgain()),
  });
}

function firstSteps() {
  const steps = [
    ["See what a first cycle would write. It writes nothing.", `make plan TARGET=${doc.target}`],
    ["Run it. Push limits stop it before anything unusual.", `make sync TARGET=${doc.target}`],
    ["Write this page again.", `crm-sync --target ${doc.target} dashboard`],
  ];
  return section({
    id: "first", title: "Three steps to a first picture",
    body: h("ol", { class: "steps" }, steps.map(([text, code]) => h("li", {}, h("p", {}, text), command(code)))),
  });
}
