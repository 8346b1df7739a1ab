// The dispatcher's chat with the assistant, and the customers' messages beside it.

import { api, Problem } from "./api.js";
import { arrange, Bounded, byId, el } from "./dom.js";
import { plain, timeOf } from "./words.js";

const MOST_LINES = 100;
const MOST_MESSAGES = 100;
const ASKS = ["How is the day going?", "Which orders will be late?"];

export class Chat {
  constructor(day, lines, form, { openCase }) {
    Object.assign(this, { day, lines, form, openCase });
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.say(form.elements.text.value);
    });
    this._line("us", "Ask about an order by its reference, or about the day.", this._choices(ASKS));
  }

  async say(text) {
    if (!text.trim() || this.busy) return;
    this.busy = true;
    this.form.elements.text.value = "";
    this.form.setAttribute("aria-busy", "true");
    this._line("them", text);
    try {
      const turn = await api.chat(text);
      this._line("us", turn.reply || "(nothing to say)", this._choices(turn.choices || []), this._case(turn.case), this._facts(turn.facts || []));
    } catch (problem) {
      if (!(problem instanceof Problem)) throw problem;
      this._line("us.bad", `${problem.message} ${problem.fix}`.trim());
      if (!this.form.elements.text.value) this.form.elements.text.value = text;
    } finally {
      this.busy = false;
      this.form.removeAttribute("aria-busy");
    }
  }

  _line(who, text, ...more) {
    this.lines.append(el(`div.line.${who}`, el("p", text), more));
    while (this.lines.children.length > MOST_LINES) this.lines.firstElementChild.remove();
    this.lines.scrollTop = this.lines.scrollHeight;
  }

  _choices(choices) {
    if (!choices.length) return null;
    return el("div.acts", choices.map((text) => el("button.small", { type: "button", onclick: () => this.say(text) }, text)));
  }

  _case(id) {
    return id ? el("div.acts", el("button.small", { type: "button", onclick: () => this.openCase(id) }, "Show the case")) : null;
  }

  /** Every figure of a reply with where it comes from. */
  _facts(facts) {
    if (!facts.length) return null;
    const known = (id) => this.day.known(id) || (this.day.vehicles.has(id) ? this.day.vanName(id) : null);
    const rows = facts.map((fact) => el("li", `${fact.name.replaceAll("_", " ")}: ${fact.value}`, el("small", ` ${plain(fact.source, known)}, ${timeOf(fact.at, this.day.tz)}`)));
    return el("details", el("summary", "Where this comes from"), el("ul", rows));
  }
}

/** Customers' messages, newest first. Their text is anybody's text: it is only ever shown. */
export class Messages {
  constructor(day, list, { show }) {
    Object.assign(this, { day, list, show });
    this.rows = [];
    this.nodes = new Bounded(MOST_MESSAGES * 2);
  }

  /** Returns whether there is something new from a customer. */
  set(rows) {
    const newest = this.newest;
    this.all = rows;
    this.rows = rows.filter((row) => row.person).sort((a, b) => later(a, b)).slice(0, MOST_MESSAGES);
    const heard = this.rows.filter((row) => row.direction === "in");
    this.newest = heard[0]?.id;
    this.render();
    return newest !== undefined && this.newest !== newest;
  }

  personOf(caseId) {
    return (this.all || []).find((row) => row.case === caseId && row.person)?.person || null;
  }

  /** What the customer of a case said; the reply that handed it over names the case. */
  ofCase(id) {
    const person = this.personOf(id);
    return person ? this.rows.filter((row) => row.person === person) : [];
  }

  render() {
    const nodes = this.rows.map((row) => {
      if (!this.nodes.has(row.id)) this.nodes.set(row.id, this._item(row));
      return this.nodes.get(row.id);
    });
    if (!nodes.length) nodes.push((this.none ||= el("li.quiet", "No messages yet.")));
    arrange(this.list, nodes);
  }

  _item(row) {
    const order = this.day.orders.get(row.order);
    const who = row.direction === "in" ? "Customer" : "Doorstep";
    const about = order ? el("button.ref", { type: "button", title: "Show on the map", onclick: () => this.show(order.stop) }, order.ref) : null;
    return el(
      `li.${row.direction === "in" ? "in" : "out"}`,
      el("small", `${timeOf(row.at, this.day.tz)} ${who}, ${row.channel} `, about), el("p", row.body ?? "(erased)"),
    );
  }
}

/** Newest first; what was said at the same moment, the answer above the question. */
const later = (a, b) => (a.at !== b.at ? (a.at < b.at ? 1 : -1) : a.direction === b.direction ? 0 : a.direction === "in" ? 1 : -1);

/** Tabs with the usual keys: arrows move, home and end jump. */
export function tabs(list, onOpen) {
  const all = [...list.querySelectorAll('[role="tab"]')];
  const open = (tab, focus = false) => {
    for (const each of all) {
      each.setAttribute("aria-selected", String(each === tab));
      each.tabIndex = each === tab ? 0 : -1;
      byId(each.getAttribute("aria-controls")).hidden = each !== tab;
    }
    if (focus) tab.focus();
    onOpen(tab.id);
  };
  list.addEventListener("click", (event) => {
    const tab = event.target.closest('[role="tab"]');
    if (tab) open(tab);
  });
  list.addEventListener("keydown", (event) => {
    const at = all.indexOf(document.activeElement);
    const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: all.length - 1 }[event.key];
    if (to !== undefined) open(all[(to + all.length) % all.length], true);
  });
}
