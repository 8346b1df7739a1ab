// Cases that need a person: one card each, with what is asked, what else could be done, and the buttons to answer.

import { api, Problem } from "./api.js";
import { caseFacts, optionTable, refsOf, stopOf, whyLine } from "./card.js";
import { arrange, Bounded, el } from "./dom.js";
import { count, inMinutes, kindWords, optionWords, timeOf } from "./words.js";

const MOST_CARDS = 40;
const NEEDS = { waiting: 0, escalated: 1 };

export class Cases {
  /** `parts`: list, title, count, working, live (elements). `show(stop)` centres the map; `changed()` asks for fresh state. */
  constructor(day, parts, { show, changed, messagesOf, personOf }) {
    Object.assign(this, { day, parts, show, changed, messagesOf, personOf });
    this.rows = [];
    this.cards = new Map(); // case id -> {node, key, tick}
    this.ui = new Bounded(200); // case id -> what the person is doing with it
    this.known = null; // ids that were announced; null until the first state is here
  }

  /** A case about a person names no order; the messages tell whose it is, and the day which order is theirs. */
  _whose(row) {
    const person = row.kind === "human" && !row.facts.order ? this.personOf(row.id) : null;
    const own = person && [...this.day.orders.values()].filter((order) => order.person === person);
    return own?.length ? { ...row, facts: { ...row.facts, order: own[0].id } } : row;
  }

  get waiting() {
    return this.rows.filter((row) => row.status === "waiting").length;
  }

  set(rows) {
    const needs = rows.filter((row) => row.status in NEEDS).map((row) => this._whose(row));
    const by = (row) => [NEEDS[row.status], row.due_by || "9", row.opened_at, row.id].join(" ");
    this.rows = needs.sort((a, b) => (by(a) < by(b) ? -1 : 1));
    this._announce();
    for (const row of needs) if (this.ui.has(row.id)) this.ui.get(row.id).keep = false;
    const busy = rows.length - needs.length;
    this.parts.working.hidden = busy === 0;
    this.parts.working.textContent = `The assistant is working on ${count(busy, "more case", "more cases")}.`;
    this.render();
  }

  render() {
    const shown = this.rows.slice(0, MOST_CARDS);
    const ids = new Set(shown.map((row) => row.id));
    const left = [...this.ui].filter(([id, ui]) => ui.note && ui.keep && !ids.has(id)).map(([id]) => id);
    for (const id of this.cards.keys()) if (!ids.has(id) && !left.includes(id)) this.cards.delete(id);
    const nodes = [...shown.map((row) => this._card(row)), ...left.map((id) => this.cards.get(id)?.node).filter(Boolean)];
    if (this.rows.length > MOST_CARDS) nodes.push(this._once("more", el("p.quiet", `and ${this.rows.length - MOST_CARDS} more, due later`)));
    if (!nodes.length) nodes.push(this._once("none", el("p.quiet.none", "Nothing waits for you.")));
    arrange(this.parts.list, nodes);
    this.parts.count.textContent = this.rows.length ? String(this.rows.length) : "";
    this.tick();
  }

  _once(name, made) {
    this[`_${name}`] = this[`_${name}`]?.textContent === made.textContent ? this[`_${name}`] : made;
    return this[`_${name}`];
  }

  /** The clock moved: by-whens are told relative to it. */
  tick() {
    for (const { tick } of this.cards.values()) tick();
  }

  focus(caseId) {
    const card = this.cards.get(caseId);
    card?.node.scrollIntoView({ block: "nearest" });
    card?.node.focus();
    return Boolean(card);
  }

  caseAt(stopId) {
    return this.rows.find((row) => stopOf(this.day, row) === stopId)?.id;
  }

  _announce() {
    const fresh = this.rows.filter((row) => this.known && !this.known.has(row.id));
    if (fresh.length) {
      const [first] = fresh;
      const more = fresh.length > 1 ? ` and ${fresh.length - 1} more` : "";
      this.parts.live.textContent = `New case: ${kindWords(first.kind)}, ${refsOf(this.day, first).join(", ")}${more}.`;
    }
    this.known = new Set(this.rows.map((row) => row.id));
  }

  // one card ---------------------------------------------------------------------------------------------------------

  _ui(id) {
    if (!this.ui.has(id)) this.ui.set(id, { doing: "", picked: null, draft: "", note: "", busy: false, keep: false });
    return this.ui.get(id);
  }

  _card(row) {
    const said = row.kind === "human" ? this.messagesOf(row.id) : [];
    const ui = this._ui(row.id);
    const key = JSON.stringify([row, said, refsOf(this.day, row), { ...ui, draft: "" }, this._promise(row)]);
    const known = this.cards.get(row.id);
    if (known?.key === key) return known.node;
    const made = this._build(row, said, ui);
    this.cards.set(row.id, { ...made, key });
    if (known) {
      const had = known.node.contains(document.activeElement) ? document.activeElement.dataset.act : null;
      known.node.replaceWith(made.node);
      if (had !== null && had !== undefined) (made.node.querySelector(`[data-act="${had}"]`) || made.node).focus();
    }
    return made.node;
  }

  _promise(row) {
    return this.day.stops.get(stopOf(this.day, row))?.orders.map((order) => order.promise);
  }

  _build(row, said, ui) {
    const due = el("span.due");
    const stop = stopOf(this.day, row);
    const refs = refsOf(this.day, row).join(", ");
    const title = stop
      ? el("button.title", { type: "button", title: "Show on the map", "data-act": "show", onclick: () => this.show(stop) }, kindWords(row.kind))
      : el("span.title", kindWords(row.kind));
    const node = el(
      `article.card.${row.status}`, { tabindex: -1, "data-case": row.id, "aria-label": `${kindWords(row.kind)} ${refs}` },
      el("div.top", el("h3", title), due),
      el("p.refs", refs || "no order named"),
      caseFacts(this.day, row, said),
      row.options.length ? optionTable(this.day, row, ui, (option) => this._pick(row, option)) : null,
      whyLine(this.day, row),
      ui.note ? el("p.problem", { role: "alert" }, ui.note) : null,
      ui.keep ? this._dismiss(row) : this._actions(row, ui),
    );
    const tick = () => {
      const late = row.due_by && this.day.clock.now > row.due_by;
      due.textContent = row.due_by ? `by ${timeOf(row.due_by, this.day.tzOf(row.depot))}, ${inMinutes(this.day.clock.now, row.due_by)}` : "";
      due.classList.toggle("over", Boolean(late));
    };
    return { node, tick };
  }

  _pick(row, option) {
    Object.assign(this._ui(row.id), { picked: option });
    this.render();
  }

  _do(row, doing) {
    Object.assign(this._ui(row.id), { doing, note: "", picked: doing === "choose" ? row.proposal?.option : null });
    this.render();
    const card = this.cards.get(row.id).node;
    card.querySelector(doing === "choose" ? "input:checked" : doing ? "textarea" : "button[data-act]:not(.title)")?.focus();
  }

  _button(row, ui, label, act, onclick, look = "") {
    return el(`button${look}`, { type: "button", disabled: ui.busy, "data-act": act, onclick }, label);
  }

  _actions(row, ui) {
    const button = (...rest) => this._button(row, ui, ...rest);
    const back = () => button("Cancel", "back", () => this._do(row, ""));
    if (row.status === "escalated") {
      if (ui.doing === "close") {
        const go = (note) => this._send(row, () => api.close(row.id, note), "Settled");
        return el("div", this._text(row, ui, "What did you do? (optional)"), el("div.acts", button("Mark settled", "go", () => go(ui.draft), ".main"), back()));
      }
      return el("div.acts", button("Settle …", "close", () => this._do(row, "close")));
    }
    if (!row.proposal) return el("p.quiet", "It is being worked out anew.");
    const name = (id) => optionWords(row.options.find((option) => option.id === id) || { kind: id, id }, (van) => this.day.vanName(van), row.kind);
    const { digest, option } = row.proposal;
    if (ui.doing === "reject") {
      const go = () => (ui.draft.trim() ? this._send(row, () => api.reject(row.id, digest, ui.draft.trim()), "Rejected") : this._say(row, "Say why in a few words."));
      return el("div", this._text(row, ui, "Why not?"), el("div.acts", button("Reject", "go", go, ".main"), back()));
    }
    if (ui.doing === "choose" && ui.picked && ui.picked !== option) {
      const go = () => this._send(row, async () => api.approve(row.id, (await api.edit(row.id, digest, ui.picked)).proposal), "Approved");
      return el("div.acts", button(`Approve: ${name(ui.picked)}`, "go", go, ".main"), back());
    }
    if (ui.doing === "choose") return el("div.acts", el("span.quiet", "Pick another one in the table."), back());
    return el(
      "div.acts",
      button(`Approve: ${name(option)}`, "approve", () => this._send(row, () => api.approve(row.id, digest), "Approved"), ".main"),
      row.options.filter((each) => each.feasible).length > 1 ? button("Choose other", "choose", () => this._do(row, "choose")) : null,
      button("Reject", "reject", () => this._do(row, "reject")),
    );
  }

  _text(row, ui, label) {
    const box = el("textarea", { rows: 2, maxlength: 500, "data-act": "text", "aria-label": label, placeholder: label });
    box.value = ui.draft;
    box.addEventListener("input", () => (ui.draft = box.value));
    return box;
  }

  _dismiss(row) {
    const away = () => {
      this.ui.delete(row.id);
      this.render();
      this.parts.title.focus();
    };
    return el("div.acts", el("button", { type: "button", "data-act": "away", onclick: away }, "Dismiss"));
  }

  _say(row, note) {
    this._ui(row.id).note = note;
    this.render();
  }

  /** Send an answer. When the server refuses, its words are shown and the card is read again. */
  async _send(row, work, word) {
    const ui = this._ui(row.id);
    Object.assign(ui, { busy: true, note: "" });
    this.render();
    try {
      await work();
      this.rows = this.rows.filter((each) => each.id !== row.id);
      this.ui.delete(row.id);
      this.parts.live.textContent = `${word}: ${kindWords(row.kind)}, ${refsOf(this.day, row).join(", ")}.`;
      this.render();
      (this.parts.list.querySelector("article") || this.parts.title).focus();
    } catch (problem) {
      if (!(problem instanceof Problem)) throw problem;
      Object.assign(ui, { busy: false, doing: problem.status === 409 ? "" : ui.doing, note: `${problem.message} ${problem.fix}`.trim() });
      await this._reload(row, ui);
    }
    this.changed();
  }

  async _reload(row, ui) {
    const fresh = this._whose(await api.case(row.id).catch(() => row));
    ui.keep = !(fresh.status in NEEDS);
    this.rows = this.rows.map((each) => (each.id === row.id ? fresh : each));
    this.render();
    if (ui.keep) this.rows = this.rows.filter((each) => each.id !== row.id);
  }
}
