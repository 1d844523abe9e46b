// Builds elements. Whatever comes from the document becomes a text node or an attribute that holds text, never markup.

const SVG = "http://www.w3.org/2000/svg";

function fill(element, props, children) {
  for (const [name, value] of Object.entries(props || {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name === "on") {
      for (const [event, listener] of Object.entries(value)) element.addEventListener(event, listener);
    } else if (name === "css") {
      for (const [property, text] of Object.entries(value)) element.style.setProperty(property, text);
    } else {
      element.setAttribute(name, value === true ? "" : String(value));
    }
  }
  for (const child of children.flat(Infinity)) {
    if (child === null || child === undefined || child === false || child === "") continue;
    element.append(child instanceof Node ? child : document.createTextNode(String(child)));
  }
  return element;
}

const h = (tag, props, ...children) => fill(document.createElement(tag), props, children);
const s = (tag, props, ...children) => fill(document.createElementNS(SVG, tag), props, children);
const byId = (id) => document.getElementById(id);

const ICONS = {
  ok: "M4 10.5l4 4 8-9",
  warn: "M10 6v5m0 3v.01M10 2.5l8 14.5H2z",
  fail: "M6 6l8 8m0-8l-8 8",
  pause: "M7 5v10m6-10v10",
  wait: "M10 6v4l2.5 2M10 2.5a7.5 7.5 0 1 0 .01 0",
  start: "M7 4.5l8.5 5.5L7 15.5z",
};

function icon(name) {
  const path = s("path", { d: ICONS[name], fill: "none", stroke: "currentColor", "stroke-width": 2 });
  return s("svg", { class: "icon", viewBox: "0 0 20 20", "aria-hidden": "true", focusable: "false" }, path);
}

function chip(kind, iconName, text) {
  return h("span", { class: `chip ${kind}` }, iconName && icon(iconName), text);
}

function command(text) {
  return h("code", { class: "command" }, text);
}
