/**
 * What the page does: follows `/events`, and asks `/keys` and `/key`. Plain JavaScript for browsers, kept as text, because
 * every runtime would else have to strip its types first.
 *
 * @module
 */

/** The page's script. Everything it shows goes in as text, never as markup. */
export const PAGE_SCRIPT: string = String.raw`
"use strict";
const token = new URLSearchParams(location.search).get("token");
const $ = (id) => document.getElementById(id);
const SENTENCES = {
  idle: "It follows no master.",
  connecting: "It is on its way to its first snapshot.",
  syncing: "It loads a snapshot from the master.",
  live: "The data is whole and follows the master.",
  stale: "The master is out of reach; the last data known is served.",
  failed: "The link gave up; only an operator can mend it.",
  closed: "The replica is closed.",
  gone: "This page has lost the process; it tries again.",
};
const EVENTS = ["disconnect", "divergence", "unsupported", "memory", "failover"];
const MAX_ERRORS = 8;
const MAX_POINTS = 60;
const rates = [];
let last;
let lastKeys = "";
let cursor = "0";
let searched = false;

function address(path, params = {}) {
  const query = new URLSearchParams(params);
  if (token !== null) query.set("token", token);
  const text = query.toString();
  return text === "" ? path : path + (path.includes("?") ? "&" : "?") + text;
}
function number(value) { return Math.round(value).toLocaleString("en"); }
function bytes(value) {
  const units = ["B", "KB", "MB", "GB", "TB"];
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) { value /= 1024; unit++; }
  return (unit === 0 ? value : value.toFixed(1)) + " " + units[unit];
}
function span(ms) {
  if (ms < 1000) return Math.round(ms) + " ms";
  const seconds = Math.round(ms / 1000);
  if (seconds < 60) return seconds + " s";
  if (seconds < 3600) return Math.floor(seconds / 60) + " min " + seconds % 60 + " s";
  if (seconds < 172800) return Math.floor(seconds / 3600) + " h " + Math.floor(seconds % 3600 / 60) + " min";
  return Math.floor(seconds / 86400) + " days";
}
function set(id, text, note) {
  const target = $(id);
  if (target.dataset.shown === text + "|" + note) return;
  target.dataset.shown = text + "|" + note;
  target.textContent = text;
  if (note === undefined) return;
  const small = document.createElement("small");
  small.textContent = note;
  target.append(small);
}
function element(name, text) {
  const made = document.createElement(name);
  if (text !== undefined) made.textContent = text;
  return made;
}

function showState(state, reason) {
  const badge = $("state");
  badge.dataset.state = state;
  badge.textContent = state;
  $("sentence").textContent = SENTENCES[state] + (reason === undefined ? "" : " " + reason);
}

function showSync({ sync }, now) {
  $("sync").hidden = sync === undefined;
  if (sync === undefined) return;
  const took = Math.max(1, now - sync.startedAtMs);
  const total = sync.bytesTotal ?? sync.expectedBytes;
  const bar = $("bar");
  if (total === undefined || total <= 0) bar.removeAttribute("value");
  else bar.value = Math.min(1, sync.bytesRead / total);
  const rate = sync.bytesRead / took * 1000;
  const parts = [bytes(sync.bytesRead) + (total > 0 ? " of " + bytes(total) : "")];
  parts.push(number(sync.keys) + " keys", bytes(rate) + " a second");
  if (total > 0 && rate > 0) {
    parts.push(Math.floor(100 * Math.min(1, sync.bytesRead / total)) + "%");
    parts.push(span(Math.max(0, total - sync.bytesRead) / rate * 1000) + " left");
  }
  if (sync.bytesRead === 0) parts.splice(0, parts.length, "Waiting for the master's snapshot: it begins after its repl-diskless-sync-delay.");
  $("progress").textContent = parts.join(" · ");
}

function showRate(status, now) {
  if (last !== undefined && now > last.now) {
    const since = status.counters.commands - last.commands;
    rates.push(Math.max(0, since) / (now - last.now) * 1000);
    if (rates.length > MAX_POINTS) rates.shift();
  }
  last = { now, commands: status.counters.commands };
  set("rate", rates.length === 0 ? "-" : number(rates.at(-1)), number(status.counters.commands) + " in all");
  const most = Math.max(1, ...rates);
  const points = rates.map((rate, i) => (i * 100 / (MAX_POINTS - 1)).toFixed(1) + " " + (29 - 28 * rate / most).toFixed(1));
  $("spark").setAttribute("d", points.length < 2 ? "" : "M" + points.join("L"));
}

function show(status) {
  const now = Date.now();
  const retry = status.nextRetryAtMs > now ? " Next attempt in " + span(status.nextRetryAtMs - now) + "." : "";
  const why = status.error === undefined ? undefined : status.error.message + "." + retry;
  showState(status.state, status.state === "live" ? undefined : why);
  document.title = status.state + " · " + (status.master ?? "replica");
  $("master").textContent = status.master ?? "no master";
  showSync(status, now);
  showRate(status, now);
  set("keys", number(status.keys), status.databases.length + (status.databases.length === 1 ? " database" : " databases"));
  set("memory", bytes(status.memoryBytes), "keys, values and tables");
  const heard = status.lastIoAgoMs < 0 ? "no connection" : "last heard " + span(status.lastIoAgoMs) + " ago";
  set("lag", bytes(status.lagBytes), heard);
  const first = status.keys === 0 && (status.state === "connecting" || status.state === "syncing");
  const stale = first ? "-" : status.staleSinceMs === undefined ? "fresh" : span(now - status.staleSinceMs);
  set("stale", stale, first ? "no data yet" : stale === "fresh" ? "the master is followed" : "since the master's last byte");
  set("clients", status.clients === undefined ? "-" : number(status.clients), status.listening ?? "no port for clients");
  set("offset", number(status.offset), "replication offset");
  if (status.error !== undefined && $("errors").childElementCount === 0) addError("error", status.error.message);
  showDatabases(status.databases);
  // Before the first data is whole there is nothing to search.
  if (!searched && (status.state === "live" || status.state === "stale")) search(false);
}

function showDatabases(databases) {
  const shown = databases.length === 0 ? [0] : databases;
  const text = shown.join();
  if ($("db").dataset.shown === text) return;
  $("db").dataset.shown = text;
  const chosen = $("db").value;
  $("db").replaceChildren(...shown.map((db) => {
    const option = element("option", String(db));
    option.selected = String(db) === chosen;
    return option;
  }));
}

function addError(kind, text) {
  const words = kind + ": " + text;
  const newest = $("errors").firstChild;
  const again = newest?.dataset.words === words;
  const line = again ? newest : element("li");
  const times = again ? Number(line.dataset.times) + 1 : 1;
  Object.assign(line.dataset, { words, times });
  const shown = times === 1 ? words : words + " (" + times + " times)";
  line.replaceChildren(element("time", new Date().toLocaleTimeString()), shown);
  $("errors").prepend(line);
  while ($("errors").childElementCount > MAX_ERRORS) $("errors").lastChild.remove();
  $("calm").hidden = true;
}

function follow() {
  const source = new EventSource(address("events"));
  source.addEventListener("status", ({ data }) => show(JSON.parse(data)));
  for (const name of EVENTS) {
    source.addEventListener(name, ({ data }) => {
      const event = JSON.parse(data);
      const text = event.error?.message ?? event.message ?? (event.command === undefined ? data : event.command);
      if (name !== "disconnect" || event.error !== undefined) addError(name, text);
    });
  }
  source.onerror = () => showState("gone");
}

async function ask(path, params) {
  const response = await fetch(address(path, params));
  if (!response.ok) throw new Error((await response.text()).trim());
  return await response.json();
}

function keyRow({ key, id, type, ttlMs }) {
  const row = element("tr");
  const open = element("button", key === "" ? '""' : key);
  open.type = "button";
  open.addEventListener("click", () => look(id));
  const cell = element("td");
  cell.append(open);
  row.append(cell, element("td", type), element("td", ttlMs < 0 ? "never" : span(ttlMs)));
  return row;
}

async function search(more) {
  searched = true;
  const params = { db: $("db").value || "0", match: $("match").value || "*" };
  if (!more) {
    $("found").replaceChildren();
    cursor = "0";
    lastKeys = JSON.stringify(params);
  }
  try {
    const page = await ask("keys", { ...params, cursor });
    if (JSON.stringify(params) !== lastKeys) return;
    cursor = page.cursor;
    $("found").append(...page.keys.map(keyRow));
    $("more").hidden = cursor === "0";
    const count = $("found").childElementCount;
    $("count").textContent = count + (count === 1 ? " key" : " keys") + (cursor === "0" ? "" : ", more to come");
  } catch (error) {
    $("count").textContent = error.message;
  }
}

async function look(id) {
  try {
    const value = await ask("key", { db: $("db").value || "0", id });
    $("key").textContent = value.key;
    const parts = [value.type, value.encoding, value.length === undefined ? undefined : number(value.length) + (value.type === "string" ? " bytes" : " elements"), value.ttlMs < 0 ? "never expires" : "expires in " + span(value.ttlMs)];
    $("about").textContent = value.problem ?? parts.filter((part) => part !== undefined).join(" · ");
    const head = element("tr");
    head.append(...value.columns.map((column) => {
      const cell = element("th", column);
      cell.scope = "col";
      return cell;
    }));
    $("columns").replaceChildren(...value.columns.length === 0 ? [] : [head]);
    $("rows").replaceChildren(...value.rows.map((cells) => {
      const row = element("tr");
      row.append(...cells.map((text) => element("td", text)));
      return row;
    }));
    const rest = value.type === "string" ? 0 : (value.length ?? 0) - value.rows.length;
    $("rest").textContent = rest > 0 ? number(rest) + " more elements are not shown" : "";
  } catch (error) {
    $("key").textContent = "A key";
    $("about").textContent = error.message;
    $("columns").replaceChildren();
    $("rows").replaceChildren();
    $("rest").textContent = "";
  }
  $("value").hidden = false;
  $("value").focus();
}

$("search").addEventListener("submit", (event) => {
  event.preventDefault();
  search(false);
});
$("more").addEventListener("click", () => search(true));
for (const link of document.querySelectorAll("footer a")) link.href = address(link.getAttribute("href"));
follow();
`;
