// Plan runs under way: what they cost so far, as a line that falls.

import { api, Problem } from "./api.js";
import { arrange, el, sparkline } from "./dom.js";
import { count, money } from "./words.js";

const MOST_POINTS = 160;
const LINGER_MS = 8000;

const whole = new Intl.NumberFormat("en");

export class Runs {
  constructor(day, box, onMeet) {
    Object.assign(this, { day, box, onMeet });
    this.runs = new Map(); // run -> {depot, status, points, last, node}
  }

  /** A `run` delta. It does not say which depot is planned; the run itself is asked for that, once. */
  take(delta) {
    const run = this.runs.get(delta.id) || this._meet(delta.id);
    run.status = delta.status;
    if (delta.cost !== undefined) {
      run.points.push(delta.cost);
      run.last = delta;
      if (run.points.length > MOST_POINTS) run.points = run.points.filter((_, at) => at % 2 === 0 || at > MOST_POINTS / 2);
    }
    if (delta.version) run.version = delta.version;
    if (delta.error) run.error = delta.error;
    if (run.status === "done") setTimeout(() => this._forget(delta.id), LINGER_MS);
    this._soon();
  }

  _meet(id) {
    const run = { depot: "", status: "running", points: [], last: null };
    for (const [other, each] of this.runs) if (each.status !== "running") this.runs.delete(other);
    this.runs.set(id, run);
    this.onMeet();
    api.run(id).then((found) => {
      run.depot = found.depot;
      run.points = [...found.progress.map((step) => step.cost), ...run.points].slice(-MOST_POINTS);
      this._soon();
    }, (problem) => {
      if (!(problem instanceof Problem)) throw problem;
    });
    return run;
  }

  _forget(id) {
    this.runs.delete(id);
    this._soon();
  }

  _soon() {
    this.frame ||= requestAnimationFrame(() => {
      this.frame = 0;
      arrange(this.box, [...this.runs.values()].map((run) => this._show(run)));
    });
  }

  _show(run) {
    const where = this.day.depots.find((depot) => depot.id === run.depot)?.name || run.depot;
    const last = run.points.at(-1);
    run.node ||= el("div.run", (run.title = el("strong")), (run.chart = el("span")), (run.text = el("span.quiet")));
    run.title.textContent = { running: `Planning ${where} …`, done: `${where} is planned`, failed: `${where} could not be planned` }[run.status] || where;
    if (run.points.length > 1) run.chart.replaceChildren(sparkline(run.points));
    const parts = [
      last !== undefined ? `cost ${money(last)}` : "", run.last ? count(run.last.stops_planned, "stop", "stops") : "",
      run.last ? `${whole.format(run.last.iterations)} tries` : "", run.error || "",
    ];
    run.text.textContent = parts.filter(Boolean).join(" · ");
    return run.node;
  }
}
