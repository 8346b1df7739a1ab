// The signs of the map: stops by state, names, and the bar that tells distances.

const TAU = Math.PI * 2;

/** One stop. Shape and colour both tell its state, so that it can be read without telling colours apart. */
export function mark(pen, state, x, y, size, colours, ground) {
  pen.beginPath();
  pen.lineWidth = 1.6;
  pen.fillStyle = pen.strokeStyle = colours[state];
  if (state === "late") {
    const r = size * 1.5;
    pen.moveTo(x, y - r);
    pen.lineTo(x + r, y);
    pen.lineTo(x, y + r);
    pen.lineTo(x - r, y);
    pen.closePath();
    pen.fill();
  } else if (state === "failed") {
    const r = size;
    pen.lineWidth = 2.2;
    pen.moveTo(x - r, y - r);
    pen.lineTo(x + r, y + r);
    pen.moveTo(x + r, y - r);
    pen.lineTo(x - r, y + r);
    pen.stroke();
  } else if (state === "planned") {
    pen.arc(x, y, size, 0, TAU);
    pen.fillStyle = ground;
    pen.fill();
    pen.stroke();
  } else {
    pen.arc(x, y, state === "out" ? size : size * 0.7, 0, TAU);
    pen.fill();
  }
}

/** A text with a rim of the ground's colour, so that lines under it don't cross it. */
export function label(pen, text, x, y, colour, ground, align) {
  pen.textAlign = align;
  pen.lineJoin = "round";
  pen.lineWidth = 3;
  pen.strokeStyle = ground;
  pen.strokeText(text, x, y);
  pen.fillStyle = colour;
  pen.fillText(text, x, y);
}

/** A bar of a round length, since there are no streets to judge distances by. `scale` is pixels a degree. */
export function scaleBar(pen, scale, width, height, ink) {
  const metres = 111_320 / scale; // a pixel's
  const length = 10 ** Math.floor(Math.log10(metres * 90));
  const round = [5, 2, 1].find((n) => n * length <= metres * 90) * length;
  const [wide, x, y] = [round / metres, width - 14, height - 14];
  pen.beginPath();
  pen.moveTo(x - wide, y - 4);
  pen.lineTo(x - wide, y);
  pen.lineTo(x, y);
  pen.lineTo(x, y - 4);
  pen.strokeStyle = ink.muted;
  pen.lineWidth = 1;
  pen.stroke();
  pen.font = "10px system-ui, sans-serif";
  label(pen, round >= 1000 ? `${round / 1000} km` : `${round} m`, x, y - 10, ink.muted, ink.panel, "right");
}
