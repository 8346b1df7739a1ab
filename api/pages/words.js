// How things are called on the page: plain words for kinds, options, rules and reasons; times, money, short ids.

const KINDS = {
  predicted_late: "Will be late",
  silent_tracker: "Tracker is silent",
  unassigned: "Not on any van",
  reschedule: "Wants another day",
  cancel: "Wants to cancel",
  reassign: "To go on another van",
  rebalance: "To give stops away",
  notify: "Customers to be told",
  failed_attempt: "Nobody took it",
  incident: "Many late by one cause",
  promise_at_risk: "Later than we said",
  urgent: "Urgent order",
  breakdown: "Van has broken down",
  driver_missing: "Driver is missing",
  route_imbalance: "Van will overrun its shift",
  over_capacity: "More than the van holds",
  early: "Far ahead of its plan",
  incident_over: "Incident is over",
  provider_down: "Messages do not get out",
  missing_delivery: "Delivery not found",
  damage: "Goods are damaged",
  confirm_visit: "Likely to find nobody",
  driver_message: "Driver wrote",
  transfer_overdue: "Vans have not met",
  custody_mismatch: "Scans contradict each other",
  left_over: "Left behind by the day",
  human: "Wants a person",
  effect_unknown: "Unclear whether it was sent",
};

const OPTIONS = {
  wait: "Do nothing",
  retell: "Tell a new time",
  join: "With the van that comes to the door anyhow",
  hold: "Wait at the depot for a trip to share",
  serve: "Send out with the others that wait",
  remove: "Cancel the order",
  rebalance: "Give stops to other vans",
  pull_ahead: "Bring later stops forward",
  tell_earlier: "Tell an earlier time",
  repair: "Wait for the repair, and tell who is late",
  rescue: "Other vans fetch the goods",
  neighbour: "Leave it with a neighbour",
  pickup: "Pick it up at the depot",
  carrier: "Send it with a carrier",
  reroute: "Send the messages another way",
  show_proof: "Show the proof",
  tell_found: "Say where it was left",
  ask_driver: "Ask the driver",
  redeliver: "Deliver another one",
  bring_back: "Have it brought back",
  claim: "Open a claim",
  resequence: "Earlier on the same van",
  reassign: "Give it to another van",
  decline: "Keep the day, and say so",
  again: "Try again later today",
  return: "Send it back",
  retry_day: "Try again on the next day",
  postpone: "Move to another day",
  reschedule: "Move to the wished day",
};

const DONE = {
  wait: "Left as it is",
  decline: "Kept the day, and said so",
  retell_all: "Told everybody a new time",
  resequence_all: "Put in a better order, and told who is late",
  retell: "Told a new time",
  join: "Put on the van that comes to the door anyhow",
  hold: "Held for a trip to share",
  serve: "Sent out with the others that waited",
  cancel: "Cancelled",
  keep: "Kept as planned",
  rebalance: "Gave stops to other vans",
  pull_ahead: "Brought later stops forward",
  tell_earlier: "Told an earlier time",
  overrun: "Let the shift be overrun",
  overload: "Left the load as it is",
  repair: "Waited for the repair, and told who is late",
  rescue: "Sent other vans for the goods",
  collect: "Booked a carrier for the goods",
  hold_messages: "Held the messages",
  reroute: "Sent the messages another way",
  show_proof: "Showed the proof",
  tell_found: "Said where it was left",
  ask_driver: "Asked the driver",
  redeliver: "Sent another one",
  bring_back: "Had it brought back",
  claim: "Opened a claim",
  neighbour: "Left with a neighbour",
  hold_at_depot: "Kept at the depot to be picked up",
  carrier: "Sent with a carrier",
  resequence: "Put earlier on the same van",
  reassign: "Given to another van",
  again: "Tried again later today",
  return: "Sent back",
  retry_day: "Moved to the next day",
  postpone: "Moved to another day",
  reschedule: "Moved to the wished day",
  undo: "Taken back",
  "plan.publish": "Plan published",
};

const REASONS = {
  asked_for_human: "The customer asked for a person.",
  cannot_do: "Understood, but nothing that the assistant may do answers it.",
  no_feasible_option: "Every option breaks a hard limit.",
  no_options: "No option could be worked out.",
  not_understood: "Not understood, even after asking once.",
  opted_out: "The customer opted out of messages.",
  safety: "Injury, fire, threat or violence was mentioned.",
  too_many_steps: "The conversation went in circles.",
  ground_keeps_shifting: "The situation changed again and again while it was worked.",
  not_as_decided: "The plan does not look as decided.",
  effect_failed: "A message could not be delivered.",
  effect_unknown: "The provider never said whether the message went out.",
  rejected: "Somebody said no to the proposal; it is theirs to work.",
};

const STATES = { idle: "at the depot", driving: "driving", serving: "at a door", finished: "back at the depot", broken: "broken down" };

const STATUSES = {
  new: "new", planned: "planned", unassigned: "on no van", out: "on the van", delivered: "delivered",
  failed: "not delivered", fetched: "fetched", picked_up: "picked up", cancelled: "cancelled", rescheduled: "moved to another day", returned: "back at the depot",
};

const sentence = (code) => {
  const text = String(code).replace(/[._:]+/g, " ");
  return text.charAt(0).toUpperCase() + text.slice(1);
};

export const kindWords = (kind) => KINDS[kind] || sentence(kind);
export const doneWords = (action) => DONE[action] || sentence(action);
export const stateWords = (state) => STATES[state] || sentence(state).toLowerCase();
export const statusWords = (status) => STATUSES[status] || status;
export const reasonWords = (code) => REASONS[code] || sentence(code || "No reason given") + ".";

/** An option in words; a reassignment says to which van. */
export function optionWords(option, vanName, caseKind) {
  if (option.kind === "reassign" && option.vehicle_id) return `Give it to ${vanName(option.vehicle_id)}`;
  if (option.kind === "postpone" && caseKind === "reschedule") return OPTIONS.reschedule;
  if (option.kind === "wait" && caseKind === "reschedule") return OPTIONS.decline;
  if (option.kind === "wait" && caseKind === "failed_attempt") return OPTIONS.return;
  if (option.kind === "postpone" && caseKind === "failed_attempt") return OPTIONS.retry_day;
  if (option.kind === "retell" && caseKind === "incident") return "Tell everybody a new time";
  if (option.kind === "resequence" && caseKind === "incident") return "A better order where it is cheap, and tell who is late";
  if (option.kind === "wait" && caseKind === "cancel") return "Deliver it, and say so";
  return OPTIONS[option.kind] || sentence(option.id);
}

/** `stp_779e487e6a4910f97f83` -> `stp 779e`. */
export const shortId = (id) => {
  const found = /^([a-z]{2,4})_([0-9a-f]{4})[0-9a-f]+$/.exec(id || "");
  return found ? `${found[1]} ${found[2]}` : String(id ?? "").slice(0, 24);
};

/** A sentence of the server's with its long ids made short, or replaced by what `known` calls them. */
export const plain = (text, known = () => null) =>
  String(text).replace(/\b[a-z]{2,4}_[0-9a-f]{12,}\b/g, (id) => known(id) || shortId(id));

let amount = null;
let minor = 100;
/** From now on amounts are in minor units of this currency, a code of ISO 4217. */
export function setCurrency(code) {
  amount = new Intl.NumberFormat("en", { style: "currency", currency: code, currencyDisplay: "code" });
  minor = 10 ** amount.resolvedOptions().maximumFractionDigits;
}
setCurrency("USD");

/** Minor units as an amount. */
export const money = (units) => amount.format(units / minor).replace("-", "−");

const formats = new Map();
function format(tz, options) {
  const key = tz + JSON.stringify(options);
  if (!formats.has(key)) formats.set(key, new Intl.DateTimeFormat("en-GB", { timeZone: tz, ...options }));
  return formats.get(key);
}

const HOUR = { hour: "2-digit", minute: "2-digit", hourCycle: "h23" };
export const timeOf = (at, tz) => (at ? format(tz, HOUR).format(new Date(at)) : "");
export const dateOf = (at, tz) => format(tz, { weekday: "short", day: "numeric", month: "short" }).format(new Date(at));
export const dayWords = (day) => dateOf(`${day}T12:00:00Z`, "UTC");

/** The local day, as YYYY-MM-DD. */
export function localDay(at, tz) {
  const parts = format(tz, { year: "numeric", month: "2-digit", day: "2-digit" }).formatToParts(new Date(at));
  const get = (type) => parts.find((part) => part.type === type).value;
  return `${get("year")}-${get("month")}-${get("day")}`;
}

export function minutesBetween(from, to) {
  return Math.round((new Date(to) - new Date(from)) / 60000);
}

export function inMinutes(now, at) {
  const minutes = minutesBetween(now, at);
  if (minutes < 0) return `${span(-minutes)} ago`;
  return minutes === 0 ? "now" : `in ${span(minutes)}`;
}

export const span = (minutes) => (minutes < 120 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`);

export const count = (n, one, many) => `${n} ${n === 1 ? one : many}`;
