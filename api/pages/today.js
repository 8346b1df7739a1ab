// The live page of the day: reads the state, follows what changes, and hands each change to the part that shows it.

import { api, atMost, follow, Problem } from "./api.js";
import { Cases } from "./cases.js";
import { Chat, Messages, tabs } from "./chat.js";
import { Day } from "./day.js";
import { Done } from "./done.js";
import { arrange, byId, el } from "./dom.js";
import { DayMap } from "./map.js";
import { mark } from "./marks.js";
import { Runs } from "./runs.js";
import { count, dateOf, stateWords, statusWords, timeOf } from "./words.js";

const SOON_MS = 700;
const CHECK_MS = 20_000;
const LEGEND = { planned: "planned", out: "on a van", late: "will be late", delivered: "delivered", failed: "not delivered" };

const day = new Day();
const map = new DayMap(byId("map"), day, { onHover: showTip, onPick: pick });
const messages = new Messages(day, byId("messages"), { show });
const cases = new Cases(
  day,
  { list: byId("asks"), title: byId("asks-title"), count: byId("asks-count"), working: byId("working"), live: byId("live") },
  { show, changed: () => changed(), messagesOf: (id) => messages.ofCase(id), personOf: (id) => messages.personOf(id) },
);
const done = new Done(day, byId("done"), { show, changed: () => changed() });
const runs = new Runs(day, byId("runs"), () => readOrders()); // orders that came in are told by no delta
new Chat(day, byId("lines"), byId("say"), { openCase: (id) => cases.focus(id) });

// State: read whole, then by deltas -------------------------------------------------------------------------------------

let loading = null;
let ready = false;
let early = []; // deltas that came while the state was being read

async function load() {
  loading ||= (async () => {
    try {
      const [open, decided, said] = await Promise.all([api.cases(), api.decisions(), api.messages(), day.load()]);
      messages.set(said);
      cases.set(open);
      done.set(decided);
      ready = true;
      setLink("");
      early.splice(0).forEach(([kind, data]) => apply(kind, data));
      showAll();
    } catch (problem) {
      if (!(problem instanceof Problem)) throw problem;
      setLink(problem.status === 401 ? "" : `${problem.message} Trying again …`);
      if (problem.status !== 401) setTimeout(load, 3000);
    } finally {
      loading = null;
    }
  })();
  return loading;
}

const readCases = atMost(SOON_MS, async () => cases.set(await api.cases()));
const readDone = atMost(1500, async () => done.set(await api.decisions()));
const readVans = atMost(2500, async () => {
  day.setVans(await api.fleetNow());
  showAll();
});
const readPlans = atMost(SOON_MS, async () => {
  await day.reloadPlans();
  showAll();
});
const readOrders = atMost(3000, async () => {
  await day.reloadOrders();
  cases.render();
  done.render();
  showAll();
});
const readMessages = atMost(1500, async () => {
  const news = messages.set(await api.messages());
  if (news && byId("pane-customers").hidden) byId("unseen").hidden = false;
  cases.render();
});
const readClock = atMost(SOON_MS, async () => {
  day.clock = await api.clock();
  showClock();
});

function changed() {
  readCases();
  readDone();
  readPlans();
  readOrders();
}

function take(kind, data) {
  if (!ready || loading) {
    early.push([kind, data]);
    if (early.length > 2000) early = early.slice(-1000);
  } else apply(kind, data);
}

function apply(kind, data) {
  if (kind === "clock") tickTo(data);
  else if (kind === "van") {
    day.moveVans(data.vans);
    showSoon();
  } else if (kind === "order") {
    if (day.setStatuses(data.orders)) readOrders();
    showSoon();
  } else if (kind === "case") {
    readCases();
    if (data.status === "closed" || data.status === "acting") changed();
  } else if (kind === "plan") {
    readPlans();
    readOrders();
    readDone();
  } else if (kind === "message") readMessages();
  else if (kind === "run") runs.take(data);
}

/** The clock's own word on being paused may be older than a click here: when they differ, ask. */
function tickTo(data) {
  if (data.paused !== day.clock.paused) readClock();
  day.clock = { ...day.clock, mode: data.mode, now: data.now, speed: data.speed };
  showClock();
  readVans();
  if (day.isOver) load();
}

// Showing ---------------------------------------------------------------------------------------------------------------

function showClock() {
  const { mode, now, speed, paused } = day.clock;
  const simulated = mode === "simulated";
  const parts = [simulated ? "simulated day" : "live", `${dateOf(now, day.tz)}, ${timeOf(now, day.tz)}`];
  if (simulated) parts.push(paused ? "paused" : `x${Math.round(speed * 10) / 10}`);
  byId("when").textContent = parts.join(", ");
  const button = byId("pause");
  button.hidden = !simulated;
  button.textContent = paused ? "Resume" : "Pause";
  cases.tick();
}

let soon = 0;
function showSoon() {
  soon ||= requestAnimationFrame(showAll);
}

function showAll() {
  soon = 0;
  showClock();
  showCounts();
  showVans();
  map.update();
  const waiting = cases.waiting;
  document.title = waiting ? `(${waiting}) Doorstep` : "Doorstep";
}

const figures = new Map();
function showCounts() {
  const now = day.counts();
  const wanted = [
    ["vans out", `${now.out_vans}`, ""], ["stops left", `${now.left}`, ""], ["late", `${now.late}`, now.late ? "late" : ""],
    ["delivered", `${now.delivered} of ${now.stops}`, ""], ["not delivered", `${now.failed}`, ""],
  ];
  const nodes = wanted.map(([name, value, look]) => {
    if (!figures.has(name)) figures.set(name, el("div", el("dt", name), el("dd")));
    const node = figures.get(name);
    node.lastElementChild.textContent = value;
    node.className = look;
    return node;
  });
  arrange(byId("counts"), nodes);
  showLegend(now);
  byId("map").setAttribute("aria-label", `Map: ${count(now.out_vans, "van", "vans")} out, ${now.left} stops left, ${now.late} late`);
}

const keys = new Map();
function showLegend(now) {
  const nodes = Object.entries(LEGEND).map(([state, name]) => {
    if (!keys.has(state)) keys.set(state, el("li", el("canvas", { width: 32, height: 32 }), el("span")));
    const node = keys.get(state);
    const pen = node.firstElementChild.getContext("2d");
    pen.setTransform(2, 0, 0, 2, 0, 0);
    pen.clearRect(0, 0, 16, 16);
    mark(pen, state, 8, 8, 4, map.stopInk, map.ink.panel);
    node.className = now[state] ? "" : "zero";
    node.lastElementChild.textContent = `${name} ${now[state]}`;
    return node;
  });
  arrange(byId("legend"), nodes);
}

const vanRows = new Map();
function showVans() {
  if (byId("pane-vans").hidden) return;
  const rows = [...day.vehicles.values()].map((vehicle) => {
    const van = day.vans.get(vehicle.id) || { state: "idle", stops_left: 0, late: [], at: null };
    const texts = [vehicle.name, stateWords(van.state), van.stops_left, van.late.length || "", timeOf(van.at, day.tz)];
    if (!vanRows.has(vehicle.id)) vanRows.set(vehicle.id, el("tr", el("th", { scope: "row" }), el("td"), el("td.n"), el("td.n"), el("td")));
    const row = vanRows.get(vehicle.id);
    texts.forEach((text, at) => (row.children[at].textContent = text));
    return row;
  });
  arrange(byId("vans"), rows);
}

function describe(thing) {
  if (thing.kind === "depot") {
    const depot = day.depots.find((each) => each.id === thing.id);
    const own = [...day.vehicles.values()].filter((vehicle) => vehicle.depot_id === depot.id);
    return [depot.name, count(own.length, "van", "vans")];
  }
  if (thing.kind === "van") {
    const van = day.vans.get(thing.id);
    const late = van.late.length ? `, ${van.late.length} late` : "";
    const next = day.refsOf(van.stop).join(", ");
    return [day.vanName(van.id), `${stateWords(van.state)}${next ? `: ${next}` : ""}`, `${count(van.stops_left, "stop", "stops")} left${late}`];
  }
  const stop = day.stops.get(thing.id);
  const van = day.vanOf(thing.id);
  const told = stop.orders.map((order) => order.promise).find(Boolean);
  return [
    ...stop.orders.map((order) => `${order.ref}: ${statusWords(order.status)}`).slice(0, 6),
    stop.state === "late" ? "will be late" : "", told ? `promised ${timeOf(told.lo, day.tz)}–${timeOf(told.hi, day.tz)}` : "",
    van ? day.vanName(van) : "",
  ].filter(Boolean);
}

function showTip(thing, x, y) {
  const tip = byId("tip");
  tip.hidden = !thing;
  if (!thing) return;
  tip.replaceChildren(...describe(thing).map((line) => el("div", line)));
  const box = byId("map").getBoundingClientRect();
  tip.style.left = `${Math.min(x + 14, box.width - tip.offsetWidth - 8)}px`;
  tip.style.top = `${Math.max(8, Math.min(y + 14, box.height - tip.offsetHeight - 8))}px`;
}

function pick(thing) {
  const caseId = thing.kind === "stop" ? cases.caseAt(thing.id) : null;
  if (caseId) cases.focus(caseId);
}

function show(stop) {
  map.centre(stop);
  if (matchMedia("(max-width: 900px)").matches) byId("mapbox").scrollIntoView({ block: "start" });
}

// The connection --------------------------------------------------------------------------------------------------------

function setLink(text) {
  byId("link").textContent = text;
  byId("link").hidden = !text;
}

byId("pause").addEventListener("click", async () => {
  try {
    day.clock = await api.pause(!day.clock.paused);
    showClock();
  } catch (problem) {
    if (!(problem instanceof Problem)) throw problem;
    setLink(`${problem.message} ${problem.fix}`);
  }
});
byId("zoom-in").addEventListener("click", () => map.zoom(1.5));
byId("zoom-out").addEventListener("click", () => map.zoom(1 / 1.5));
byId("zoom-fit").addEventListener("click", () => map.fit());
tabs(document.querySelector('[role="tablist"]'), (id) => {
  if (id === "tab-customers") byId("unseen").hidden = true;
  if (id === "tab-vans") showVans();
});

const unfollow = follow({ onOpen: load, onDelta: take, onLost: () => setLink("Connection lost, trying again …") });
const checking = setInterval(() => {
  if (day.clock.mode === "real" || document.visibilityState === "visible") readClock();
}, CHECK_MS);

window.addEventListener("signed-out", () => {
  unfollow();
  clearInterval(checking);
  for (const part of document.querySelectorAll("header, main")) part.inert = true;
  byId("signedout").hidden = false;
  byId("signedout-title").focus();
}, { once: true });
