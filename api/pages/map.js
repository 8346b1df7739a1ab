// The map: depots, stops, routes and vans on a canvas. It draws only when something moved, and never reads the network.

import { STOP_STATES } from "./day.js";
import { label, mark, scaleBar } from "./marks.js";

const TAU = Math.PI * 2;
const HUES = [215, 160, 285, 30, 190, 330, 95, 250, 10, 130, 305, 60];
const NEAR_PX = 12;
const GLIDE_MS = [150, 2500];
const MOST_ZOOM = 400;

export class DayMap {
  /** `onHover(thing | null, x, y)` with thing = {kind: "stop" | "van" | "depot", ...}; `onPick(thing)` on click. */
  constructor(canvas, day, { onHover, onPick }) {
    Object.assign(this, { canvas, day, onHover, onPick });
    this.pen = canvas.getContext("2d");
    this.base = document.createElement("canvas"); // routes and stops: drawn again only when data or view change
    this.legs = []; // from each van to its next stop: drawn with the vans
    this.view = null; // {x, y: middle in projected degrees, scale: pixels a degree}
    this.fitted = 0;
    this.drawn = new Map(); // van -> where it is drawn: a glide from `from` to its place
    this.marked = null;
    this.hovered = null;
    this.still = matchMedia("(prefers-reduced-motion: reduce)");
    this._colours();
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
      this._colours();
      this.draw();
    });
    new ResizeObserver(() => this._resize()).observe(canvas);
    this._listen();
    this._resize();
  }

  // where things are ------------------------------------------------------------------------------------------------

  _project(lat, lon) {
    return [lon * this.squeeze, -lat];
  }

  _at(lat, lon) {
    const [x, y] = this._project(lat, lon);
    return [(x - this.view.x) * this.view.scale + this.width / 2, (y - this.view.y) * this.view.scale + this.height / 2];
  }

  _points() {
    const points = [...this.day.depots, ...this.day.stops.values()].filter((each) => each.lat != null);
    return points.length ? points : [];
  }

  /** Show everything. */
  fit() {
    const points = this._points();
    if (!points.length || !this.width) return;
    this.squeeze = Math.cos((points[0].lat * Math.PI) / 180);
    const xs = points.map((p) => p.lon * this.squeeze);
    const ys = points.map((p) => -p.lat);
    const [left, right, top, bottom] = [Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)];
    const [side, above, below] = [Math.min(48, this.width / 8), 34, 58]; // room for the legend under all points
    const scale = Math.min(
      (this.width - 2 * side) / Math.max(right - left, 1e-4), (this.height - above - below) / Math.max(bottom - top, 1e-4),
    );
    this.least = scale / 4;
    this.most = scale * MOST_ZOOM;
    this.view = { x: (left + right) / 2, y: (top + bottom) / 2 + (below - above) / 2 / scale, scale };
    this.touched = false;
    this.draw();
  }

  /** New data: the first time, or when there is more to see and nobody has moved the map, fit it. */
  update() {
    const size = this._points().length;
    if (!this.view || (size !== this.fitted && !this.touched)) this.fit();
    this.fitted = size;
    this._glide();
    this.draw();
  }

  centre(stopId) {
    const stop = this.day.stops.get(stopId);
    if (!stop || stop.lat == null || !this.view) return;
    const [x, y] = this._project(stop.lat, stop.lon);
    this.view = { x, y, scale: Math.max(this.view.scale, this.least * 12) };
    this.touched = true;
    this.marked = stopId;
    this.draw();
  }

  zoom(factor, x = this.width / 2, y = this.height / 2) {
    if (!this.view) return;
    this._hover(null);
    const scale = Math.min(this.most, Math.max(this.least, this.view.scale * factor));
    const keep = 1 / this.view.scale - 1 / scale;
    this.view = { x: this.view.x + (x - this.width / 2) * keep, y: this.view.y + (y - this.height / 2) * keep, scale };
    this.touched = true;
    this.draw();
  }

  pan(dx, dy) {
    if (!this.view) return;
    this._hover(null);
    this.view.x -= dx / this.view.scale;
    this.view.y -= dy / this.view.scale;
    this.touched = true;
    this.draw();
  }

  // vans move smoothly -----------------------------------------------------------------------------------------------

  /** A van whose place changed glides there in about the time until its next place comes. */
  _glide() {
    const now = performance.now();
    for (const van of this.day.vans.values()) {
      if (van.lat == null) continue;
      const known = this.drawn.get(van.id);
      if (!known) this.drawn.set(van.id, { from: { ...van }, to: { ...van }, since: now, takes: 1000, lat: van.lat, lon: van.lon });
      else if (known.to.lat !== van.lat || known.to.lon !== van.lon) {
        const takes = Math.min(GLIDE_MS[1], Math.max(GLIDE_MS[0], now - known.since));
        const at = this._now(known, now);
        Object.assign(known, { from: at, to: { lat: van.lat, lon: van.lon }, since: now, takes, ...at });
      }
    }
    for (const id of this.drawn.keys()) if (!this.day.vans.has(id)) this.drawn.delete(id);
  }

  _now({ from, to, since, takes }, now) {
    const part = this.still.matches ? 1 : Math.min(1, (now - since) / takes);
    return { lat: from.lat + (to.lat - from.lat) * part, lon: from.lon + (to.lon - from.lon) * part };
  }

  // drawing ----------------------------------------------------------------------------------------------------------

  draw() {
    this.stale = true;
    this._next();
  }

  _next() {
    this.frame ||= requestAnimationFrame((now) => this._draw(now));
  }

  _colours() {
    const style = getComputedStyle(document.documentElement);
    const read = (name) => style.getPropertyValue(name).trim();
    this.ink = Object.fromEntries(["ink", "muted", "panel", "line", "accent"].map((name) => [name, read(`--${name}`)]));
    this.stopInk = Object.fromEntries(STOP_STATES.map((state) => [state, read(`--stop-${state}`)]));
    this.routeLight = matchMedia("(prefers-color-scheme: dark)").matches ? "62%" : "46%";
  }

  _resize() {
    const box = this.canvas.getBoundingClientRect();
    const ratio = window.devicePixelRatio || 1;
    this.width = box.width;
    this.height = box.height;
    this.base.width = this.canvas.width = Math.round(box.width * ratio);
    this.base.height = this.canvas.height = Math.round(box.height * ratio);
    this.ratio = ratio;
    if (this.view && !this.touched) this.fit();
    this.draw();
  }

  _draw(now) {
    this.frame = 0;
    if (this.ratio !== (window.devicePixelRatio || 1)) this._resize();
    const { pen } = this;
    pen.setTransform(this.ratio, 0, 0, this.ratio, 0, 0);
    pen.clearRect(0, 0, this.width, this.height);
    if (!this.view || !this.width) return;
    if (this.stale) this._drawBase();
    pen.drawImage(this.base, 0, 0, this.width, this.height);
    let gliding = false;
    for (const each of this.drawn.values()) {
      Object.assign(each, this._now(each, now));
      gliding ||= now - each.since < each.takes && !this.still.matches;
    }
    for (const { van, to, colour, width } of this.legs) this._line(pen, [van, to], colour, width);
    this._drawVans(false);
    this._drawDepots();
    this._drawVans(true);
    scaleBar(pen, this.view.scale, this.width, this.height, this.ink);
    if (gliding) this._next();
  }

  _drawBase() {
    this.stale = false;
    const pen = this.base.getContext("2d");
    pen.setTransform(this.ratio, 0, 0, this.ratio, 0, 0);
    pen.clearRect(0, 0, this.width, this.height);
    this._drawRoutes(pen);
    this._drawStops(pen);
  }

  _drawRoutes(pen) {
    this.legs = [];
    const depots = new Map(this.day.depots.map((depot) => [depot.id, depot]));
    const chosen = this.hovered?.kind === "van" ? this.hovered.id : this.hovered?.kind === "stop" ? this.day.vanOf(this.hovered.id) : null;
    this.day.routes().forEach((route, at) => {
      if (!route.stops.length) return;
      const home = depots.get(this.day.vehicles.get(route.vehicle)?.depot_id);
      const open = (s) => ["planned", "out", "late"].includes(this.day.stops.get(s.stop)?.state);
      const van = this.drawn.get(route.vehicle);
      const ahead = [...(home && !van ? [home] : []), ...route.stops.filter(open), ...(home ? [home] : [])];
      const strength = chosen === route.vehicle ? 0.95 : chosen ? 0.16 : 0.42;
      const colour = `hsl(${HUES[at % HUES.length]} 38% ${this.routeLight} / ${strength})`;
      const width = chosen === route.vehicle ? 2 : 1.1;
      this._line(pen, ahead, colour, width);
      const done = this.day.vans.get(route.vehicle)?.state === "finished";
      if (van && ahead.length && !done) this.legs.push({ van, to: ahead[0], colour, width });
    });
  }

  _line(pen, points, colour, width) {
    pen.beginPath();
    points.filter((p) => p.lat != null).forEach((p, i) => pen[i ? "lineTo" : "moveTo"](...this._at(p.lat, p.lon)));
    pen.strokeStyle = colour;
    pen.lineWidth = width;
    pen.lineJoin = "round";
    pen.stroke();
  }

  _drawStops(pen) {
    const size = Math.min(7, Math.max(3, 3 * Math.sqrt(this.view.scale / (this.least * 4))));
    const ordered = [...this.day.stops.values()].filter((stop) => stop.lat != null);
    ordered.sort((a, b) => STOP_STATES.indexOf(a.state) - STOP_STATES.indexOf(b.state));
    for (const stop of ordered) {
      const [x, y] = this._at(stop.lat, stop.lon);
      if (x < -20 || y < -20 || x > this.width + 20 || y > this.height + 20) continue;
      mark(pen, stop.state, x, y, size, this.stopInk, this.ink.panel);
      if (stop.id === this.marked || (this.hovered?.kind === "stop" && stop.id === this.hovered.id)) this._ring(pen, x, y, size + 6);
    }
  }

  _ring(pen, x, y, radius) {
    pen.beginPath();
    pen.arc(x, y, radius, 0, TAU);
    pen.strokeStyle = this.ink.accent;
    pen.lineWidth = 2;
    pen.stroke();
  }

  _drawDepots() {
    const { pen } = this;
    pen.font = "600 11px system-ui, sans-serif";
    pen.textBaseline = "middle";
    for (const depot of this.day.depots) {
      const [x, y] = this._at(depot.lat, depot.lon);
      pen.fillStyle = this.ink.ink;
      pen.fillRect(x - 6, y - 6, 12, 12);
      pen.fillStyle = this.ink.panel;
      pen.fillRect(x - 2, y - 1, 4, 7);
      label(pen, depot.name, x + 10, y, this.ink.ink, this.ink.panel, "left");
    }
  }

  /** Those that are on their way, or those that stand: the latter are small, under the depots. */
  _drawVans(busy) {
    const { pen } = this;
    pen.font = "600 10px system-ui, sans-serif";
    for (const van of this.day.vans.values()) {
      const place = this.drawn.get(van.id);
      if (!place || busy !== (van.state === "driving" || van.state === "serving")) continue;
      const [x, y] = this._at(place.lat, place.lon);
      pen.save();
      pen.translate(x, y);
      pen.beginPath();
      const heading = this.day.headingOf(van);
      if (van.state === "driving" && heading != null) {
        pen.rotate(heading);
        pen.moveTo(0, -10);
        pen.lineTo(7, 8);
        pen.lineTo(0, 4.5);
        pen.lineTo(-7, 8);
        pen.closePath();
      } else pen.arc(0, 0, busy ? 6 : 4, 0, TAU);
      pen.fillStyle = busy ? this.ink.accent : this.ink.muted;
      pen.strokeStyle = this.ink.panel;
      pen.lineWidth = 2;
      pen.stroke();
      pen.fill();
      pen.restore();
      if (busy) label(pen, shortName(this.day.vanName(van.id)), x, y - 15, this.ink.ink, this.ink.panel, "center");
    }
  }

  // hands ------------------------------------------------------------------------------------------------------------

  /** What is under a point: vans before stops before depots. */
  find(x, y) {
    if (!this.view) return null;
    const nearest = (things, place) => {
      let best = null;
      let least = NEAR_PX;
      for (const thing of things) {
        const { lat, lon } = place(thing);
        if (lat == null) continue;
        const [px, py] = this._at(lat, lon);
        const away = Math.hypot(px - x, py - y);
        if (away < least) [best, least] = [thing, away];
      }
      return best;
    };
    const van = nearest(this.day.vans.values(), (each) => this.drawn.get(each.id) || {});
    if (van) return { kind: "van", id: van.id };
    const stop = nearest(this.day.stops.values(), (each) => each);
    if (stop) return { kind: "stop", id: stop.id };
    const depot = nearest(this.day.depots, (each) => each);
    return depot ? { kind: "depot", id: depot.id } : null;
  }

  _hover(thing, x, y) {
    if (thing?.id !== this.hovered?.id) this.draw();
    this.hovered = thing;
    this.onHover(thing, x, y);
  }

  _listen() {
    const { canvas } = this;
    const held = new Map(); // pointer -> its last place
    let moved = 0;
    canvas.addEventListener("pointerdown", (event) => {
      canvas.setPointerCapture(event.pointerId);
      held.set(event.pointerId, [event.offsetX, event.offsetY]);
      if (held.size === 1) moved = 0;
    });
    canvas.addEventListener("pointermove", (event) => {
      const here = [event.offsetX, event.offsetY];
      const last = held.get(event.pointerId);
      if (!last) return this._hover(this.find(...here), ...here);
      moved += Math.abs(here[0] - last[0]) + Math.abs(here[1] - last[1]);
      if (held.size === 1 && moved > 4) this.pan(here[0] - last[0], here[1] - last[1]);
      if (held.size === 2) this._pinch(held, event.pointerId, here);
      held.set(event.pointerId, here);
    });
    const release = (event) => {
      if (held.delete(event.pointerId) && event.type === "pointerup" && moved <= 4) {
        const thing = this.find(event.offsetX, event.offsetY);
        this._hover(thing, event.offsetX, event.offsetY);
        if (thing) this.onPick(thing);
      }
    };
    canvas.addEventListener("pointerup", release);
    canvas.addEventListener("pointercancel", release);
    canvas.addEventListener("pointerleave", () => this._hover(null));
    canvas.addEventListener("wheel", (event) => {
      event.preventDefault();
      this.zoom(Math.exp(-event.deltaY * (event.deltaMode === 1 ? 0.05 : 0.0015)), event.offsetX, event.offsetY);
    }, { passive: false });
    canvas.addEventListener("keydown", (event) => this._key(event));
  }

  _pinch(held, moving, here) {
    const [other] = [...held.entries()].filter(([id]) => id !== moving).map(([, place]) => place);
    const before = held.get(moving);
    const apart = (a) => Math.hypot(a[0] - other[0], a[1] - other[1]) || 1;
    this.zoom(apart(here) / apart(before), (here[0] + other[0]) / 2, (here[1] + other[1]) / 2);
  }

  _key(event) {
    const step = 60;
    const does = {
      ArrowLeft: () => this.pan(step, 0), ArrowRight: () => this.pan(-step, 0), ArrowUp: () => this.pan(0, step),
      ArrowDown: () => this.pan(0, -step), "+": () => this.zoom(1.4), "=": () => this.zoom(1.4), "-": () => this.zoom(1 / 1.4),
      0: () => this.fit(),
    }[event.key];
    if (!does || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    does();
  }
}

const shortName = (name) => /(\d+)\s*$/.exec(name)?.[1] || name.slice(0, 6);
