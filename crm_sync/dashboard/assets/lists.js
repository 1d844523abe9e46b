// The parts that list records: errors, data quality, conflicts, the full comparison and the runs.

// ---------------------------------------------------------------- errors and data quality: a cause and a fix per kind

// Rows of one kind put together. Counts come from the file, which knows all; under a search, from what the page holds.
function kinds(part, key) {
  const rows = part.rows.filter((row) => fits(row, "object", "direction", "text"));
  const found = new Map();
  for (const group of part.groups.filter((one) => fits(one, "object", "direction"))) {
    const name = `${group.target || ""}/${group[key]}`;
    const kept = found.get(name) || { ...group, records: 0, rows: [] };
    kept.records += group.records;
    if (group.first_seen_at < kept.first_seen_at) kept.first_seen_at = group.first_seen_at;
    found.set(name, kept);
  }
  for (const row of rows) found.get(`${row.target || ""}/${row[key]}`)?.rows.push(row);
  const groups = [...found.values()].map((group) => ({ ...group, whole: filter.text ? group.rows.length : group.records }));
  if (!filter.text) return groups.sort((a, b) => b.records - a.records);
  return groups.filter((group) => group.rows.length).map((group) => ({ ...group, records: group.rows.length }));
}

const amount = (groups) => groups.reduce((sum, group) => sum + group.records, 0);

function kindCard({ key, title, records, chips, said, cause, fix, more }) {
  return h("article", { class: "kind" },
    h("div", { class: "kind-head" }, h("span", { class: "kind-count" }, number(records)),
      h("div", {}, h("h3", {}, title), h("div", { class: "chips" }, chips))),
    h("dl", { class: "remedy" },
      said && h("div", {}, h("dt", {}, "Message"), h("dd", { class: "said" }, said)),
      h("div", {}, h("dt", {}, "Cause"), h("dd", {}, cause)),
      h("div", { class: "fix" }, h("dt", {}, "Fix"), h("dd", {}, fix))),
    disclosure(key, `Show ${plural(records, "record", "records")}`, more));
}

function errorsPart() {
  const groups = kinds(doc.errors, "error_code");
  const cards = groups.map((group) => kindCard({
    key: `error/${group.target}/${group.error_code}`, title: h("code", {}, group.error_code), records: group.records,
    chips: [chip("", null, sentence(group.error_class)), chip("", null, `Refused by ${CRMS[group.target]}`), chip("", null, `Since ${moment(group.first_seen_at)}`),
      chip("", null, RETRIES[group.retry_policy] || sentence(group.retry_policy))],
    said: group.message, cause: `${group.cause}.`, fix: `${group.fix}.`,
    more: () => table({
      key: `error/${group.target}/${group.error_code}`, caption: `Records refused with ${group.error_code}`, rows: group.rows, total: group.whole,
      query: "from sync_health.sync_errors where status = 'open'",
      columns: [
        { label: "Record", cell: record },
        { label: "Operation", cell: (row) => sentence(row.operation) },
        { label: "The CRM says", kind: "said", cell: (row) => row.message || "nothing" },
        count("Attempts", "attempts"),
        { label: "First", cell: (row) => time(row.first_seen_at) },
        { label: "Next try", cell: (row) => (row.next_retry_at ? time(row.next_retry_at) : sentence(group.retry_policy)) },
      ],
    }),
  }));
  const closed = doc.errors.closed ? ` ${plural(doc.errors.closed, "earlier error has", "earlier errors have")} closed since.` : "";
  return section({
    id: "errors", title: "Open errors", tally: tallied(amount(groups), doc.errors.total),
    body: cards.length ? cards : nothing(doc.errors.total, `No CRM refuses a record.${closed}`),
  });
}

function issuesPart() {
  const groups = kinds(doc.issues, "issue_type");
  const cards = groups.map((group) => kindCard({
    key: `issue/${group.issue_type}`, title: sentence(group.issue_type), records: group.records,
    chips: [chip("", null, h("code", {}, group.issue_type)), chip("", null, `Since ${moment(group.first_seen_at)}`)], cause: `${group.cause}.`, fix: `${group.fix}.`,
    more: () => table({
      key: `issue/${group.issue_type}`, caption: `Records with the issue ${group.issue_type}`, rows: group.rows, total: group.whole,
      query: "from sync_health.data_quality_issues",
      columns: [
        { label: "Record", cell: record },
        { label: "Field", cell: (row) => (row.field ? h("code", {}, row.field) : "–") },
        { label: "What is wrong", kind: "said", cell: (row) => row.detail },
        { label: "Keeps it from", cell: (row) => (row.direction ? DIRECTIONS[row.direction] : "Both directions") },
        { label: "Since", cell: (row) => time(row.first_seen_at) },
      ],
    }),
  }));
  return section({
    id: "issues", title: "Data quality", tally: tallied(amount(groups), doc.issues.total),
    body: cards.length ? cards : nothing(doc.issues.total, "Nothing keeps a value or a record from being synced."),
  });
}

// ---------------------------------------------------------------- conflicts

function conflictTable(key, caption, rows, decision) {
  return table({
    key, caption, rows, total: rows.length + doc.conflicts.total - doc.conflicts.rows.length, query: "from sync_health.field_conflicts",
    columns: [
      { label: "Record", cell: record },
      { label: "Field", cell: (row) => [h("code", {}, row.hubspot_property), " ↔ ", h("code", {}, row.salesforce_field)] },
      { label: "Last agreed", kind: "value", cell: (row) => value(row.base_hubspot_value ?? row.base_salesforce_value) },
      { label: "HubSpot", kind: "value", cell: (row) => [won(row, "hubspot"), edited(row.hubspot_edited_at)] },
      { label: "Salesforce", kind: "value", cell: (row) => [won(row, "salesforce"), edited(row.salesforce_edited_at)] },
      decision,
    ],
  });
}

const edited = (at) => at && h("span", { class: "record-ids" }, `edited ${moment(at)}`);
const won = (row, side) => h("span", { class: row.winner === side ? "won" : "" }, row.winner === side && icon("ok"), value(row[`${side}_value`]));

function conflictsPart() {
  const rows = doc.conflicts.rows.filter((row) => fits(row, "object", "direction", "text"));
  const held = rows.filter((row) => row.is_held);
  const decided = rows.filter((row) => !row.is_held);
  const decision = (row) => [
    row.winner ? `${CRMS[row.winner]} won` : "Merged",
    h("span", { class: "record-ids" }, `${sentence(row.conflict_rule || row.reason)} · times of the ${row.evidence || "record"} · ${moment(row.first_seen_at)}`),
  ];
  return section({
    id: "conflicts", title: "Conflicts", tally: tallied(rows.length, Math.min(doc.conflicts.total, doc.conflicts.rows.length)),
    notes: "Fields that were edited on both sides since they last agreed.",
    body: rows.length ? [
      held.length ? [
        h("h3", { class: "sub" }, icon("wait"), `Held for review: ${number(held.length)}`),
        h("p", { class: "muted small" }, "Nothing is written until a person decides: edit either side, or ", command(`crm-sync --target ${doc.target} review`)),
        conflictTable("held", "Conflicts held for review", held, { label: "Since", cell: (row) => time(row.first_seen_at) }),
      ] : null,
      decided.length ? [
        h("h3", { class: "sub" }, icon("ok"), `Decided: ${number(decided.length)}`),
        conflictTable("decided", "Conflicts decided", decided, { label: "Decision", cell: decision }),
      ] : null,
    ] : nothing(doc.conflicts.total, "No field has been edited on both sides. When one is, both values, the decision and its evidence are listed here."),
  });
}

// ---------------------------------------------------------------- what incremental reads had missed

function driftPart() {
  const rows = doc.drift.filter((row) => fits(row, "text"));
  const missed = rows.reduce((sum, row) => sum + row.added + row.changed + row.deleted + row.restored, 0);
  return section({
    id: "drift", title: "Full comparison",
    notes: whole("object", "direction") || "What the reads of changes alone had missed, as the newest comparison of all records found it. Nothing missed is the rule.",
    body: rows.length ? [
      h("p", {}, missed ? chip("warn", "warn", `${plural(missed, "record", "records")} had been missed, and were read`) : chip("ok", "ok", "Nothing had been missed")),
      table({
        key: "drift", caption: "Records that reads of changes had missed", rows,
        columns: [
          { label: "CRM", cell: (row) => CRMS[row.crm] || row.crm },
          { label: "Object", cell: (row) => row.crm_object },
          count("Compared", "compared"), count("New", "added"), count("Changed", "changed"), count("Deleted", "deleted"), count("Restored", "restored"),
          { label: "When", cell: (row) => time(row.reconciled_at) },
        ],
      }),
    ] : nothing(doc.drift.length, "All records are compared once a week, and whenever you ask for it:", `crm-sync --target ${doc.target} sync --reconcile`),
  });
}

// ---------------------------------------------------------------- runs

const ENDINGS = {
  succeeded: ["ok", "ok"], degraded: ["warn", "warn"], failed: ["fail", "fail"], stopped: ["pause", "fail"], paused: ["pause", ""], planned: ["ok", ""],
};

function runsPart() {
  const rows = doc.runs.rows.filter((row) => fits(row, "text"));
  return section({
    id: "runs", title: "Runs", tally: tallied(rows.length, Math.min(doc.runs.total, doc.runs.rows.length)), notes: whole("object", "direction"),
    body: rows.length ? table({
      key: "runs", caption: "Runs, newest first", rows, size: 10, total: rows.length + doc.runs.total - doc.runs.rows.length, query: "from sync_health.sync_runs",
      columns: [
        { label: "Started", cell: (row) => [time(row.started_at), h("span", { class: "record-ids" }, h("code", {}, row.run_id))] },
        { label: "Command", cell: (row) => h("code", {}, row.command) },
        { label: "Ended", cell: (row) => chip(...(([name, kind]) => [kind, name])(ENDINGS[row.status] || ["wait", ""]), row.seconds === null ? "Under way or broken off" : sentence(row.status)) },
        { label: "Took", kind: "number", cell: (row) => duration(row.seconds) },
        count("Created", "created"), count("Updated", "updated"), count("Refused", "rejected"), count("Postponed", "postponed"),
        { label: "Message", kind: "said", cell: (row) => row.message || h("span", { class: "muted" }, "–") },
      ],
    }) : nothing(doc.runs.total, "No run yet. Start one:", runAgain()),
  });
}
