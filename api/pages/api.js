// The server: JSON over same-origin requests that carry the session cookie, and the stream of what changes.

/** What the server refused, in its own words: what happened (`message`) and what to do (`fix`). */
export class Problem extends Error {
  constructor(status, body) {
    super(body.detail || body.title || `The server answered ${status}.`);
    this.status = status;
    this.fix = body.fix || "";
  }
}

async function ask(method, path, body) {
  const options = { method, headers: {}, credentials: "same-origin", cache: "no-store" };
  if (body !== undefined) {
    options.headers["Content-Type"] = "application/json";
    options.body = JSON.stringify(body);
  }
  let answer;
  try {
    answer = await fetch(path, options);
  } catch {
    throw new Problem(0, { detail: "The server can't be reached.", fix: "Try again in a moment." });
  }
  const content = await answer.json().catch(() => ({}));
  if (answer.status === 401) window.dispatchEvent(new Event("signed-out"));
  if (!answer.ok) throw new Problem(answer.status, content);
  return content;
}

const part = encodeURIComponent;

export const api = {
  clock: () => ask("GET", "/api/clock"),
  pause: (paused) => ask("POST", "/api/admin/clock/pause", { paused }),
  fleet: () => ask("GET", "/api/fleet"),
  fleetNow: async () => (await ask("GET", "/api/fleet/now")).vans,
  orders: async (depot, day) => (await ask("GET", `/api/orders?depot=${part(depot)}&day=${part(day)}`)).orders,
  run: (id) => ask("GET", `/api/plans/runs/${part(id)}`),
  cases: async () => (await ask("GET", "/api/cases?status=open")).cases,
  case: (id) => ask("GET", `/api/cases/${part(id)}`),
  approve: (id, proposal) => ask("POST", `/api/cases/${part(id)}/approve`, { proposal }),
  reject: (id, proposal, reason) => ask("POST", `/api/cases/${part(id)}/reject`, { proposal, reason }),
  edit: (id, proposal, option) => ask("POST", `/api/cases/${part(id)}/edit`, { proposal, option }),
  close: (id, note) => ask("POST", `/api/cases/${part(id)}/close`, { note }),
  decisions: async () => (await ask("GET", "/api/decisions?limit=60")).decisions,
  decision: (id) => ask("GET", `/api/decisions/${part(id)}`),
  undo: (id) => ask("POST", `/api/decisions/${part(id)}/undo`),
  messages: async () => (await ask("GET", "/api/messages?limit=200")).messages,
  chat: (text) => ask("POST", "/api/chat", { text }),

  /** The published plan of a depot's day, or null while there is none. */
  async plan(depot, day) {
    try {
      return await ask("GET", `/api/plans/${part(depot)}/${part(day)}`);
    } catch (problem) {
      if (problem.status === 404) return null;
      throw problem;
    }
  },
};

const KINDS = ["clock", "van", "case", "order", "plan", "message", "run"];
const RETRY_MS = [1000, 2000, 5000, 10000];

/**
 * Follow `/api/stream`. `onOpen` is called at each (re)connection: what was missed meanwhile is not told again, so the
 * whole state is to be read then. A stream that the server ends or refuses is opened again, slower each time.
 */
export function follow({ onOpen, onDelta, onLost }) {
  let source = null;
  let tries = 0;
  let timer = 0;
  let stopped = false;

  function open() {
    source = new EventSource("/api/stream");
    source.onopen = () => {
      tries = 0;
      onOpen();
    };
    source.onerror = () => {
      if (stopped) return;
      onLost();
      if (source.readyState !== EventSource.CLOSED) return; // the browser connects again by itself
      api.clock().catch(() => {}); // a refusal that means "signed out" shows here
      timer = setTimeout(open, RETRY_MS[Math.min(tries++, RETRY_MS.length - 1)]);
    };
    for (const kind of KINDS) source.addEventListener(kind, (event) => onDelta(kind, JSON.parse(event.data)));
  }

  open();
  return () => {
    stopped = true;
    clearTimeout(timer);
    source.close();
  };
}

/** Calls `work` soon, and once for many asks: never more often than every `ms`, one at a time. */
export function atMost(ms, work) {
  let timer = 0;
  let running = false;
  let again = false;
  async function run() {
    timer = 0;
    running = true;
    try {
      await work();
    } catch (problem) {
      if (!(problem instanceof Problem)) throw problem; // an outage: the stream notices it and reloads
    } finally {
      running = false;
      if (again) soon();
      again = false;
    }
  }
  function soon() {
    if (running) again = true;
    else if (!timer) timer = setTimeout(run, ms);
  }
  return soon;
}
