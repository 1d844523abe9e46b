// Tables that stay quick with thousands of rows: a page at a time is in the document. On a phone each row becomes a
// card, so the roles are spelt out and every cell carries its column's name.

const PAGE = 25;
const PRINTED = 200;

// What a person opened or leafed to, kept while filters change and newer data comes in.
const ui = { open: new Map(), page: new Map(), printing: false };

function table({ key, caption, columns, rows, total, query, size: length = PAGE }) {
  const size = ui.printing ? PRINTED : length;
  const last = Math.max(0, Math.ceil(rows.length / size) - 1);
  const holder = h("div", { class: "table-holder" });
  const show = (page, focus) => {
    const at = Math.max(0, Math.min(last, page));
    ui.page.set(key, at);
    const shown = rows.slice(at * size, (at + 1) * size);
    holder.replaceChildren();
    fill(holder, {}, [grid(caption, columns, shown), pager({ key, at, last, size, rows, show }), cut(rows.length, total, query)]);
    if (focus) (holder.querySelector(`[data-step="${focus}"]:not([disabled])`) || holder.querySelector("button:not([disabled])"))?.focus();
  };
  show(ui.page.get(key) || 0);
  return holder;
}

function grid(caption, columns, rows) {
  return h("table", { role: "table" },
    h("caption", { class: "hidden" }, caption),
    h("thead", { role: "rowgroup" }, h("tr", { role: "row" },
      columns.map((column) => h("th", { role: "columnheader", scope: "col", class: column.kind }, column.label)))),
    h("tbody", { role: "rowgroup" }, rows.map((row) => h("tr", { role: "row" },
      columns.map((column) => h("td", { role: "cell", class: column.kind, "data-label": column.label }, h("div", { class: "cell" }, column.cell(row))))))));
}

function pager({ key, at, last, size, rows, show }) {
  if (!last) return null;
  const step = (name, text, page, disabled) =>
    h("button", { type: "button", class: "button small", "data-step": name, "data-focus": `${key}/${name}`, disabled, on: { click: () => show(page, name) } }, text);
  return h("nav", { class: "pager", "aria-label": "Pages of the table" },
    step("back", "← Back", at - 1, at === 0),
    h("span", { role: "status" }, `${number(at * size + 1)}–${number(Math.min(rows.length, (at + 1) * size))} of ${number(rows.length)}`),
    step("on", "Next →", at + 1, at === last));
}

// Says when the page holds fewer rows than there are.
function cut(held, total, query) {
  if (!total || held >= total) return null;
  return h("p", { class: "muted small" }, `This page holds the newest ${number(held)} of ${number(total)}. All of them: `,
    command(`crm-sync --target ${doc.target} query "${query}"`));
}

function disclosure(key, summary, body) {
  const details = h("details", { class: "more", open: ui.printing || ui.open.get(key) }, h("summary", { "data-focus": key }, summary));
  const build = () => details.children.length === 1 && details.append(body());
  if (details.open) build();
  details.addEventListener("toggle", () => {
    if (!ui.printing) ui.open.set(key, details.open);
    if (details.open) build();
  });
  return details;
}

// The id of a record, which leads to it where the CRM is known. Who follows it takes nothing of this page along.
function recordId(crm, object, id) {
  const address = Object.hasOwn(doc.addresses[crm], object) ? doc.addresses[crm][object] : null;
  if (!address) return h("code", {}, id);
  return h("a", { href: address + encodeURIComponent(id), target: "_blank", rel: "noopener noreferrer" }, h("code", {}, id));
}

function record(row) {
  const ids = [["hubspot", row.hubspot_id], ["salesforce", row.salesforce_id]].filter(([, id]) => id);
  return [
    h("span", { class: "record-name" }, row.name || (ids.length ? "Unnamed record" : "All records")),
    h("span", { class: "record-ids" }, sentence(row.object), ids.map(([crm, id]) => [" · ", CRMS[crm], " ", recordId(crm, row.object, id)])),
  ];
}

const count = (label, field) => ({ label, kind: "number", cell: (row) => (row[field] ? number(row[field]) : h("span", { class: "muted" }, "0")) });
