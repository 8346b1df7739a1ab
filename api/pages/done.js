// What was decided lately, by the assistant itself or with a person's yes, and taking it back.

import { api, Problem } from "./api.js";
import { refsOf } from "./card.js";
import { arrange, Bounded, el } from "./dom.js";
import { dayWords, doneWords, money, plain, timeOf } from "./words.js";

const SHOWN = 15;
const CHANGES = new Set(["retell", "resequence", "reassign", "postpone", "reschedule"]);

export class Done {
  constructor(day, list, { show, changed }) {
    Object.assign(this, { day, list, show, changed });
    this.rows = [];
    this.about = new Bounded(120); // case id -> the case; null while it is being read
    this.picked = new Bounded(120); // decision id -> option that was taken
    this.answers = new Bounded(60); // decision id -> what came of an undo
    this.nodes = new Map();
  }

  set(rows) {
    this.rows = rows.filter((row) => row.verdict === "auto" || row.verdict === "approved").slice(0, SHOWN);
    for (const row of this.rows) this._learn(row);
    this.render();
  }

  /** Whose decision it was is in the case; to which van, in the decision's record. Each is read once. */
  async _learn(row) {
    if (!row.case.startsWith("case_") || this.about.has(row.case)) return;
    this.about.set(row.case, null);
    const record = row.action === "reassign" ? api.decision(row.id) : null;
    try {
      const [found, body] = await Promise.all([api.case(row.case), record]);
      this.about.set(row.case, found);
      if (body) this.picked.set(row.id, body.record.outcome.picked);
    } catch (problem) {
      if (!(problem instanceof Problem)) throw problem;
      this.about.delete(row.case);
    }
    this.render();
  }

  render() {
    const kept = new Map();
    const nodes = this.rows.map((row) => {
      const answer = this.answers.get(row.id);
      const found = this.about.get(row.case);
      const refs = found ? refsOf(this.day, found) : [];
      const key = JSON.stringify([row, answer, refs, found?.facts.vehicle, this.picked.get(row.id)]);
      const known = this.nodes.get(row.id);
      const node = known?.key === key ? known.node : this._item(row, refs, answer);
      if (known && known.node !== node) known.node.replaceWith(node);
      kept.set(row.id, { key, node });
      return node;
    });
    this.nodes = kept;
    if (!nodes.length) nodes.push((this.none ||= el("li.quiet", "Nothing yet.")));
    arrange(this.list, nodes);
  }

  _what(row) {
    const to = this.picked.get(row.id);
    return row.action === "reassign" && to?.includes(":") ? `Given to ${this.day.vanName(to.split(":")[1])}` : doneWords(row.action);
  }

  _whose(row, refs) {
    const plan = /^plan:(.*):(\d{4}-\d{2}-\d{2})$/.exec(row.case);
    if (!plan) return refs.join(", ");
    const depot = this.day.depots.find((each) => each.id === plan[1]);
    return `${depot?.name || plan[1]}, ${dayWords(plan[2])}`;
  }

  _item(row, refs, answer) {
    const tz = this.day.tzOf(this.about.get(row.case)?.depot);
    const cost = row.cost ? ` · ${row.cost > 0 ? "cost" : "saved"} ${money(Math.abs(row.cost))}` : "";
    const by = row.verdict === "auto" ? "by itself" : "with a yes";
    return el(
      "li", { "data-decision": row.id },
      el("div.row",
        el("div", el("strong", this._what(row)), " ", this._whose(row, refs),
          el("small", { title: `rule ${row.rule}` }, `${timeOf(row.at, tz)} · ${by}${cost}${row.undone_by ? " · undone" : ""}`)),
        CHANGES.has(row.action) && !row.undone_by ? this._undo(row, refs, answer) : null),
      answer?.note ? el("p", { class: answer.bad ? "problem" : "answer", role: "status" }, answer.note) : null,
    );
  }

  _undo(row, refs, answer) {
    const label = `Undo: ${this._what(row)} ${refs.join(", ")}`;
    return el("button.small", { type: "button", "aria-label": label, disabled: answer?.busy, onclick: () => this._take_back(row) }, "Undo");
  }

  async _take_back(row) {
    this.answers.set(row.id, { busy: true });
    this.render();
    try {
      const { undone, compensated } = await api.undo(row.id);
      this.answers.set(row.id, { note: this._told(undone, compensated) });
      row.undone_by = "you";
    } catch (problem) {
      if (!(problem instanceof Problem)) throw problem;
      this.answers.set(row.id, { bad: true, note: `${problem.message} ${problem.fix}`.trim() });
    }
    this.render();
    this.changed();
  }

  _told(undone, compensated) {
    const words = (lines) => plain(this.day.named(lines.join("; ")), (id) => this.day.known(id));
    const parts = [undone.length ? `Taken back: ${words(undone)}.` : "", compensated.length ? `Made up for: ${words(compensated)}.` : ""];
    return parts.filter(Boolean).join(" ") || "Taken back; nothing else was touched.";
  }
}
