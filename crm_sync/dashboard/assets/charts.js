// Charts as inline SVG, drawn to the width they have. Each can be read with the arrow keys, and has its numbers as a
// table beside it; nothing is told by colour alone.

const PAD = { left: 44, right: 8, top: 10, bottom: 4 };
const GAP = 32;

function niceCeiling(value) {
  if (value <= 0) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 1.5, 2, 3, 4, 5, 6, 8, 10].map((step) => step * power).find((step) => step >= value);
}

// A frame that draws itself again whenever its width changes.
function responsive(className, draw) {
  const frame = h("div", { class: className });
  let drawn = 0;
  const redraw = () => {
    const width = Math.floor(frame.clientWidth);
    if (width < 40 || width === drawn) return;
    drawn = width;
    frame.replaceChildren(draw(width));
  };
  new ResizeObserver(redraw).observe(frame);
  return frame;
}

function legend(series) {
  return h("ul", { class: "legend" }, series.map(({ key, label }) => h("li", {}, h("span", { class: `swatch ${key}` }), label)));
}

// Small multiples: one panel per row of `panels`, all on one time axis and one scale.
function chart({ label, panels, series, slots, slotLabel, format, kind, height, ticks }) {
  const readout = h("p", { class: "readout", "aria-live": "polite" }, "Point at the chart, or focus it and press ← or →.");
  let cursor = -1;
  let marks = [];
  const point = (index) => {
    cursor = Math.max(0, Math.min(slots.length - 1, index));
    marks.forEach((mark, at) => mark.classList.toggle("here", at % slots.length === cursor));
    const parts = panels.map((panel) => {
      const values = series.filter(({ key }) => panel.at(cursor, key)).map((one) => `${format(panel.at(cursor, one.key))} ${one.label.toLowerCase()}`);
      return `${panel.label}: ${values.join(", ") || "nothing"}`;
    });
    readout.replaceChildren(h("strong", {}, slotLabel(slots[cursor])), ` · ${parts.join(" · ")}`);
  };
  const frame = responsive("chart", (width) => {
    const drawn = drawPanels({ width, panels, series, slots, slotLabel, format, kind, height: height || 96, ticks: ticks || [0, 0.5, 1] });
    marks = drawn.marks;
    return drawn.svg;
  });
  const move = (event) => {
    const box = frame.getBoundingClientRect();
    const inner = box.width - PAD.left - PAD.right;
    point(Math.floor(((event.clientX - box.left - PAD.left) / inner) * slots.length));
  };
  const keys = { ArrowLeft: () => cursor - 1, ArrowRight: () => cursor + 1, Home: () => 0, End: () => slots.length - 1 };
  fill(frame, {
    tabindex: 0,
    role: "group",
    "aria-label": `${label}. Press the left and right arrow keys to read the values.`,
    on: {
      pointermove: move,
      pointerdown: move,
      focus: () => cursor < 0 && point(slots.length - 1),
      keydown: (event) => {
        if (!(event.key in keys)) return;
        event.preventDefault();
        point(keys[event.key]());
      },
    },
  }, []);
  return h("div", {}, series.length > 1 ? legend(series) : null, frame, readout);
}

function drawPanels({ width, panels, series, slots, slotLabel, format, kind, height, ticks }) {
  const inner = width - PAD.left - PAD.right;
  const slot = inner / slots.length;
  const sum = (panel, index) => series.reduce((total, { key }) => total + (panel.at(index, key) || 0), 0);
  const most = (panel, index) => Math.max(...series.map(({ key }) => panel.at(index, key) || 0));
  const size = kind === "bars" ? sum : most;
  const top = niceCeiling(Math.max(...panels.flatMap((panel) => slots.map((_, index) => size(panel, index)))));
  const whole = panels.length * (height + GAP) + 12;
  const svg = s("svg", { width, height: whole, viewBox: `0 0 ${width} ${whole}`, "aria-hidden": "true" });
  const marks = [];
  panels.forEach((panel, row) => {
    const y0 = row * (height + GAP) + 20;
    const scale = (amount) => y0 + height - PAD.bottom - (amount / top) * (height - PAD.top - PAD.bottom);
    svg.append(s("text", { class: "panel-label", x: 0, y: y0 - 6 }, panel.label));
    for (const amount of ticks.map((part) => part * top)) {
      const at = Math.round(scale(amount)) + 0.5;
      svg.append(s("line", { class: amount ? "gridline" : "baseline", x1: PAD.left, x2: width - PAD.right, y1: at, y2: at }));
      svg.append(s("text", { class: "tick", x: PAD.left - 8, y: at + 4, "text-anchor": "end" }, format(amount, true)));
    }
    slots.forEach((_, index) => {
      const mark = s("rect", { class: "mark", x: PAD.left + index * slot, y: y0, width: slot, height });
      marks.push(mark);
      svg.append(mark);
    });
    svg.append(...(kind === "bars" ? bars(panel, series, slots, slot, scale) : lines(panel, series, slots, slot, scale)));
  });
  const shown = [...new Set(width < 420 ? [0, slots.length - 1] : [0, (slots.length - 1) >> 1, slots.length - 1])];
  shown.forEach((index, at) => {
    const anchor = shown.length === 1 ? "middle" : at === 0 ? "start" : at === shown.length - 1 ? "end" : "middle";
    const edge = anchor === "start" ? 0 : anchor === "end" ? slot : slot / 2;
    svg.append(s("text", { class: "tick", x: PAD.left + index * slot + edge, y: whole - 4, "text-anchor": anchor }, slotLabel(slots[index])));
  });
  return { svg, marks };
}

function bars(panel, series, slots, slot, scale) {
  const width = Math.max(2, Math.min(36, slot * 0.7));
  const drawn = [];
  slots.forEach((_, index) => {
    let below = 0;
    let ground = scale(0);
    for (const { key } of series) {
      const amount = panel.at(index, key) || 0;
      if (!amount) continue;
      below += amount;
      // what exists is seen, however small beside the largest
      const y = Math.min(scale(below), ground - 2);
      drawn.push(s("rect", { class: `bar ${key}`, x: PAD.left + index * slot + (slot - width) / 2, y, width, height: ground - y }));
      ground = y - 1;
    }
  });
  return drawn;
}

function lines(panel, series, slots, slot, scale) {
  return series.flatMap(({ key }) => {
    const points = slots
      .map((_, index) => [PAD.left + (index + 0.5) * slot, panel.at(index, key)])
      .filter(([, amount]) => amount !== undefined && amount !== null)
      .map(([x, amount]) => [x, scale(amount)]);
    const path = points.map(([x, y], index) => `${index ? "L" : "M"}${x} ${y}`).join("");
    const dots = points.map(([cx, cy]) => s("circle", { class: `dot ${key}`, cx, cy, r: 3 }));
    return [s("path", { class: `line ${key}`, d: path }), ...dots];
  });
}

// One bar cut into shares, each named and counted beneath it.
function shares(parts) {
  const total = parts.reduce((sum, part) => sum + part.count, 0);
  const there = parts.filter((part) => part.count);
  return h("div", { class: "shares" },
    h("div", { class: "shares-bar", "aria-hidden": "true" },
      there.map((part) => h("span", { class: `share ${part.key}`, css: { "flex-grow": String(Math.max(part.count, total * 0.006)) } }))),
    h("ul", { class: "shares-list" }, there.map((part) => h("li", {},
      h("span", { class: `swatch ${part.key}` }), h("span", {}, part.label, part.note && h("span", { class: "muted" }, ` (${part.note})`)),
      h("strong", {}, number(part.count))))));
}

function meter(label, share, warnAt) {
  const known = share === null || share === undefined ? 0 : share;
  const kind = known >= 1 ? "fail" : known >= warnAt ? "warn" : "fine";
  return h("div", {
    class: "meter", role: "meter", "aria-label": label, "aria-valuemin": 0, "aria-valuemax": 100,
    "aria-valuenow": Math.round(Math.min(1, known) * 100), "aria-valuetext": percent(share),
  },
  h("span", { class: `meter-fill ${kind}`, css: { width: `${Math.min(100, Math.max(known > 0 ? 0.6 : 0, known * 100))}%` } }),
  h("span", { class: "meter-limit", css: { left: `${warnAt * 100}%` } }));
}
