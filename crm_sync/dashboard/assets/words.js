// Numbers, times and codes as people read them. Times are in UTC, because the CRMs' own logs and the tables are.

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const DIRECTIONS = {
  hubspot_to_salesforce: "HubSpot → Salesforce",
  salesforce_to_hubspot: "Salesforce → HubSpot",
};
const CRMS = { hubspot: "HubSpot", salesforce: "Salesforce" };
const RETRIES = {
  on_change: "Tried again when the record or its mapping changes",
  daily: "Tried again once a day",
  retry: "Tried again by the next run",
  never: "Not tried again by itself",
};

const number = (value) => Number(value || 0).toLocaleString("en-US");
const two = (value) => String(value).padStart(2, "0");
const plural = (count, one, many) => `${number(count)} ${count === 1 ? one : many}`;

function sentence(code) {
  const words = String(code || "").replaceAll("_", " ");
  return words.charAt(0).toUpperCase() + words.slice(1);
}

const day = (date) => `${date.getUTCDate()} ${MONTHS[date.getUTCMonth()]}`;
const clock = (date) => `${two(date.getUTCHours())}:${two(date.getUTCMinutes())}`;

function moment(text) {
  if (!text) return "never";
  const date = new Date(text);
  const year = doc.written_at.startsWith(date.getUTCFullYear()) ? "" : ` ${date.getUTCFullYear()}`;
  return `${day(date)}${year}, ${clock(date)}`;
}

const time = (text) => (text ? h("time", { datetime: text, title: `${text} (UTC)` }, moment(text)) : "never");

function ago(text) {
  const seconds = Math.round((Date.now() - Date.parse(text)) / 1000);
  if (seconds < 90) return "just now";
  if (seconds < 5400) return `${Math.round(seconds / 60)} minutes ago`;
  if (seconds < 129600) return `${Math.round(seconds / 3600)} hours ago`;
  return `${Math.round(seconds / 86400)} days ago`;
}

function duration(seconds) {
  if (seconds === null || seconds === undefined) return "–";
  if (seconds < 10) return `${Number(seconds).toFixed(1)} s`;
  if (seconds < 120) return `${Math.round(seconds)} s`;
  if (seconds < 7200) return `${Math.round(seconds / 60)} min`;
  if (seconds < 172800) return `${Math.round(seconds / 3600)} h`;
  return `${Math.round(seconds / 86400)} days`;
}

function percent(share) {
  if (share === null || share === undefined) return "unknown";
  const value = share * 100;
  if (value > 0 && value < 0.01) return "under 0.01 %";
  return `${value < 1 ? value.toFixed(2) : value < 10 ? value.toFixed(1) : Math.round(value)} %`;
}

// A tick of the time axis: the day when ticks are days apart, the time when they are nearer.
function tick(seconds, width) {
  const date = new Date(seconds * 1000);
  return width >= 86400 ? day(date) : `${day(date)}, ${clock(date)}`;
}

function value(text) {
  return text === null || text === undefined || text === "" ? h("span", { class: "blank" }, "blank") : text;
}
