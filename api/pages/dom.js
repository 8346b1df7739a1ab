// Building the page. Texts go in as text nodes only: nothing that anybody wrote is ever read as markup.

const SVG = "http://www.w3.org/2000/svg";

/** An element: `el("button.main", { type: "button", onclick: f }, "Approve", other)`. */
export function el(what, ...content) {
  const [tag, ...classes] = what.split(".");
  const made = document.createElement(tag);
  if (classes.length) made.className = classes.join(" ");
  for (const each of content.flat()) {
    if (each === null || each === undefined || each === false) continue;
    if (each instanceof Node) made.append(each);
    else if (typeof each === "object") set(made, each);
    else made.append(document.createTextNode(String(each)));
  }
  return made;
}

function set(made, attributes) {
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (value === true) made.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) made.setAttribute(name, String(value));
  }
}

export const byId = (id) => document.getElementById(id);

/** Put `wanted` into `parent` in that order, moving and removing only what differs, so that focus and typing survive. */
export function arrange(parent, wanted) {
  wanted.forEach((node, at) => {
    if (parent.children[at] !== node) parent.insertBefore(node, parent.children[at] || null);
  });
  while (parent.children.length > wanted.length) parent.lastElementChild.remove();
}

/** A line through `values`, scaled to its box. */
export function sparkline(values, width = 150, height = 28) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
  svg.setAttribute("preserveAspectRatio", "none");
  svg.setAttribute("class", "spark");
  svg.setAttribute("aria-hidden", "true");
  const lo = Math.min(...values);
  const span = Math.max(...values) - lo || 1;
  const step = (width - 4) / Math.max(1, values.length - 1);
  const points = values.map((v, i) => `${(2 + i * step).toFixed(1)},${(height - 3 - ((v - lo) / span) * (height - 6)).toFixed(1)}`);
  const line = document.createElementNS(SVG, "polyline");
  line.setAttribute("points", points.join(" "));
  svg.append(line);
  return svg;
}

/** A Map that forgets its oldest entries: what is remembered about a long day stays bounded. */
export class Bounded extends Map {
  constructor(most) {
    super();
    this.most = most;
  }

  set(key, value) {
    this.delete(key);
    super.set(key, value);
    while (this.size > this.most) this.delete(this.keys().next().value);
    return this;
  }
}
