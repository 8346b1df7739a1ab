// What a case's card says: facts, options, and why a person is asked. Pure building; no requests, no state.

import { el } from "./dom.js";
import { dayWords, minutesBetween, money, optionWords, plain, reasonWords, shortId, span, timeOf } from "./words.js";

/** The stop that a case is about, when it is about one. */
export function stopOf(day, row) {
  const order = day.orders.get(row.facts.order || row.subject);
  const stop = row.facts.stop || order?.stop || row.subject;
  return day.stops.has(stop) ? stop : null;
}

export function refsOf(day, row) {
  const order = day.orders.get(row.facts.order);
  if (order) return [order.ref];
  const stop = stopOf(day, row);
  return stop ? day.refsOf(stop) : [];
}

/** What is known, in sentences. Customers' words are quoted as they are. */
export function caseFacts(day, row, said) {
  const lines = [promised(day, row), wish(day, row), leftOut(day, row), rejected(row)];
  const heard = said.filter((line) => line.direction === "in").slice(0, 2);
  lines.push(...heard.map((line) => el("blockquote", line.body || "(erased)")));
  if (row.kind === "human" && !heard.length) lines.push(el("p", "See the customer's messages under Customers."));
  return lines.some(Boolean) ? el("div.facts", lines) : null;
}

function promised(day, row) {
  const tz = day.tzOf(row.depot);
  const stop = day.stops.get(stopOf(day, row));
  const told = stop?.orders.map((order) => order.promise).find(Boolean);
  const known = Object.fromEntries((row.facts.known || []).map((fact) => [fact.name, fact.value]));
  const expected = known.expected_p50 || row.facts.expected;
  const due = row.facts.due || told?.hi;
  if (!due && !expected) return null;
  const range = told ? `${timeOf(told.lo, tz)}–${timeOf(told.hi, tz)}` : `by ${timeOf(due, tz)}`;
  const late = due && expected ? minutesBetween(due, expected) : 0;
  const van = row.facts.vehicle || (stop && day.vanOf(stop.id));
  return el(
    "p", "Promised ", el("strong", due ? range : "nothing yet"), expected ? [", expected ", el("strong", `about ${timeOf(expected, tz)}`)] : null,
    late > 0 ? el("span.late", `, ${span(late)} late`) : null, van ? ` · ${day.vanName(van)}` : null,
  );
}

function wish(day, row) {
  if (row.kind !== "reschedule" || !row.facts.day) return null;
  const who = row.facts.requester === "customer" ? "The customer" : "A dispatcher";
  return el("p", `${who} asks for `, el("strong", dayWords(row.facts.day)), ` instead of ${dayWords(row.day)}.`);
}

function leftOut(day, row) {
  if (row.kind !== "unassigned") return null;
  return el("p", plain(row.facts.detail || row.facts.reason || "", (id) => day.known(id)));
}

function rejected(row) {
  return row.facts.rejected_because ? el("p", "Your reason: ", el("q", row.facts.rejected_because)) : null;
}

/** The options as a table; while another one is being chosen, with a radio button each. */
export function optionTable(day, row, ui, onPick) {
  const choosing = ui.doing === "choose";
  const chosen = ui.picked || row.proposal?.option;
  const head = ["Option", "Cost", "Late", "Promises", "Moved"];
  const title = { Late: "Minutes late at this stop, and added at others", Promises: "Promises broken / told anew", Moved: "Stops that change place or van", Cost: "Extra cost of the day" };
  return el(
    "table.options",
    el("thead", el("tr", head.map((name) => el(name === "Option" ? "th" : "th.n", { scope: "col", title: title[name] }, name)))),
    el("tbody", row.options.map((option) => optionRow(day, row, option, { choosing, chosen, onPick }))),
  );
}

function optionRow(day, row, option, { choosing, chosen, onPick }) {
  const name = optionWords(option, (van) => day.vanName(van), row.kind);
  const proposed = option.id === row.proposal?.option;
  const others = option.others_delayed_min ? `, others +${option.others_delayed_min}` : "";
  const radio = { type: "radio", name: `option-${row.id}`, value: option.id, "data-act": `option-${option.id}`, disabled: !option.feasible, checked: option.id === chosen, onchange: () => onPick(option.id) };
  const label = choosing ? el("label", el("input", radio), name) : name;
  const why = option.feasible ? null : el("small", "not possible: ", plain(option.broken.join("; ") || "breaks a hard limit", (id) => day.known(id)));
  const classes = [option.id === chosen ? ".chosen" : "", option.feasible ? "" : ".infeasible"].join("");
  return el(
    `tr${classes}`,
    el("th", { scope: "row" }, label, proposed ? el("span.tag", "proposed") : null, why),
    el("td.n", money(option.cost_cents)), el("td.n.wrap", `${option.minutes_late} min${others}`),
    el("td.n.wrap", promises(option)), el("td.n", String(option.stops_moved)),
  );
}

const promises = ({ promises_broken: broken, promises_retold: told }) => {
  const parts = [broken ? `${broken} broken` : null, told ? `${told} re-told` : null].filter(Boolean);
  return parts.join(", ") || "kept";
};

/** Which rule asks, whose it is. */
export function whyLine(day, row) {
  const asks = row.status === "waiting" && row.verdict;
  const verdict = asks ? row.verdict : row.facts.packet?.verdict;
  const text = asks ? row.verdict.reason : verdict?.reason || reasonWords(row.reason_code);
  const cost = row.proposal ? `, cost ${money(row.proposal.cost_lo)} to ${money(row.proposal.cost_hi)}` : "";
  return el(
    "p.why", text,
    el("small", `${verdict ? `rule ${verdict.rule}` : "handed over"}${cost} · owner ${row.owner ? row.owner_name || shortId(row.owner) : "nobody on duty"} · case ${shortId(row.id).slice(5)}`),
  );
}

