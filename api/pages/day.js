// The day as the page knows it: clock, vans, stops, routes. Read whole from the server, then kept by deltas.

import { api } from "./api.js";
import { localDay, setCurrency } from "./words.js";

/** Stop states as they are drawn and counted, worst last: a stop is in the worst state of its orders. */
export const STOP_STATES = ["off", "delivered", "failed", "planned", "out", "late"];
const STATE_OF = {
  new: "planned", planned: "planned", unassigned: "planned", out: "out", delivered: "delivered", failed: "failed",
  returned: "failed", cancelled: "off", rescheduled: "off",
};
const OPEN = new Set(["planned", "out", "late"]);

/** The published plan. While every order is new there is none, and asking would only be refused. */
const planFor = (orders, depot, day) => (orders.some((order) => order.status !== "new") ? api.plan(depot, day) : null);

export class Day {
  constructor() {
    this.clock = { mode: "", now: null, paused: false, speed: 1 };
    this.depots = [];
    this.vehicles = new Map(); // id -> {id, name, depot_id}
    this.vans = new Map(); // id -> {id, state, stop, lat, lon, heading, stops_left, late}
    this.orders = new Map();
    this.stops = new Map(); // id -> {id, lat, lon, orders, state}
    this.plans = new Map(); // depot -> plan
    this.late = new Set();
  }

  get tz() {
    return this.depots[0]?.tz || "UTC";
  }

  tzOf(depotId) {
    return this.depots.find((depot) => depot.id === depotId)?.tz || this.tz;
  }

  dayOf(depot) {
    return localDay(this.clock.now, depot.tz);
  }

  /** Everything, anew. Nothing is shown half: the state changes when all of it is here. */
  async load() {
    const [clock, fleet, vans] = await Promise.all([api.clock(), api.fleet(), api.fleetNow()]);
    setCurrency(fleet.currency);
    const days = fleet.depots.map((depot) => [depot.id, localDay(clock.now, depot.tz)]);
    const orders = await Promise.all(days.map(([depot, day]) => api.orders(depot, day)));
    const plans = await Promise.all(days.map(([depot, day], at) => planFor(orders[at], depot, day)));
    this.clock = clock;
    this.depots = fleet.depots;
    this.vehicles = new Map(fleet.vehicles.map((vehicle) => [vehicle.id, vehicle]));
    this.days = days.join();
    this.plans = new Map(days.map(([depot], at) => [depot, plans[at]]).filter(([, plan]) => plan));
    this._setOrders(orders.flat());
    this.setVans(vans);
  }

  /** Has a depot's local day changed since the state was read? */
  get isOver() {
    return this.depots.length > 0 && this.days !== this.depots.map((depot) => [depot.id, this.dayOf(depot)]).join();
  }

  async reloadOrders() {
    const found = await Promise.all(this.depots.map((depot) => api.orders(depot.id, this.dayOf(depot))));
    this._setOrders(found.flat());
  }

  async reloadPlans() {
    const rows = [...this.orders.values()];
    const found = await Promise.all(
      this.depots.map((depot) => planFor(rows.filter((row) => row.depot === depot.id), depot.id, this.dayOf(depot))),
    );
    this.plans = new Map(this.depots.map((depot, at) => [depot.id, found[at]]).filter(([, plan]) => plan));
  }

  _setOrders(rows) {
    this.orders = new Map(rows.map((row) => [row.id, row]));
    this.stops = new Map();
    for (const row of rows) {
      if (!this.stops.has(row.stop)) this.stops.set(row.stop, { id: row.stop, lat: row.lat, lon: row.lon, orders: [] });
      this.stops.get(row.stop).orders.push(row);
    }
    for (const stop of this.stops.values()) this._judge(stop);
  }

  setVans(rows) {
    const before = this.vans;
    this.vans = new Map(rows.map((row) => [row.id, { ...row, heading: before.get(row.id)?.heading ?? null }]));
    for (const row of rows) this._turn(before.get(row.id), this.vans.get(row.id));
    this.late = new Set(rows.flatMap((row) => row.late));
    for (const stop of this.stops.values()) this._judge(stop);
  }

  /** A `van` delta: new places, or a new state. */
  moveVans(rows) {
    for (const row of rows) {
      const van = this.vans.get(row.id) || { id: row.id, state: "idle", stop: null, stops_left: 0, late: [], heading: null };
      const before = { ...van };
      this.vans.set(row.id, Object.assign(van, row));
      this._turn(before, van);
    }
  }

  /** Positions carry no heading: it is where the van came from. Standing still keeps it. */
  _turn(before, van) {
    if (!before || before.lat == null || van.lat == null) return;
    const east = (van.lon - before.lon) * Math.cos((van.lat * Math.PI) / 180);
    const north = van.lat - before.lat;
    if (Math.hypot(east, north) > 2e-5) van.heading = Math.atan2(east, north);
  }

  /** Which way a van faces: as it came, or before it has moved, to where it goes. */
  headingOf(van) {
    const next = this.stops.get(van.stop);
    if (van.heading != null || next?.lat == null || van.lat == null) return van.heading;
    return Math.atan2((next.lon - van.lon) * Math.cos((van.lat * Math.PI) / 180), next.lat - van.lat);
  }

  /** An `order` delta. Returns whether an order is new to us: then the orders are to be read again. */
  setStatuses(rows) {
    let unknown = false;
    for (const { id, status } of rows) {
      const order = this.orders.get(id);
      if (!order) {
        unknown = true;
        continue;
      }
      order.status = status;
      this._judge(this.stops.get(order.stop));
    }
    return unknown;
  }

  _judge(stop) {
    const states = stop.orders.map((order) => STATE_OF[order.status] || "off");
    const worst = Math.max(...states.map((state) => STOP_STATES.indexOf(state)));
    stop.state = STOP_STATES[worst];
    if (OPEN.has(stop.state) && this.late.has(stop.id)) stop.state = "late";
  }

  counts() {
    const by = Object.fromEntries(STOP_STATES.map((state) => [state, 0]));
    for (const stop of this.stops.values()) by[stop.state] += 1;
    const out = [...this.vans.values()].filter((van) => van.state === "driving" || van.state === "serving").length;
    return { ...by, out_vans: out, vans: this.vehicles.size, left: by.planned + by.out + by.late, stops: this.stops.size };
  }

  vanName(id) {
    return this.vehicles.get(id)?.name || id;
  }

  /** A text of the server's with the vans called by name. */
  named(text) {
    const ids = [...this.vehicles.keys()].sort((a, b) => b.length - a.length).map((id) => id.replace(/[^\w]/g, "\\$&"));
    return ids.length ? text.replace(new RegExp(`(?<![\\w-])(${ids.join("|")})(?![\\w-])`, "g"), (id) => this.vanName(id)) : text;
  }

  refsOf(stopId) {
    return (this.stops.get(stopId)?.orders || []).map((order) => order.ref);
  }

  /** What people call the thing with this id, for sentences that hold ids. */
  known(id) {
    return this.orders.get(id)?.ref || (this.stops.has(id) ? this.refsOf(id).join(", ") : null);
  }

  routes() {
    return [...this.plans.values()].flatMap((plan) => plan.routes);
  }

  /** The van that has a stop in the published plan. */
  vanOf(stopId) {
    return this.stops.get(stopId)?.orders.find((order) => order.vehicle)?.vehicle || null;
  }
}
