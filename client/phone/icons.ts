// Line drawings on a grid of 24, drawn in the colour of the text around them.

const SVG = "http://www.w3.org/2000/svg";

const PATHS = {
  handset: "M7 4h2.5l1.5 4-2 1.5a11 11 0 0 0 5.5 5.5l1.5-2 4 1.5V17a3 3 0 0 1-3 3A13 13 0 0 1 4 7a3 3 0 0 1 3-3Z",
  microphone: "M12 3a3 3 0 0 0-3 3v5a3 3 0 0 0 6 0V6a3 3 0 0 0-3-3ZM5.5 11a6.5 6.5 0 0 0 13 0M12 17.5V21",
  camera: "M4 6.5h9a2 2 0 0 1 2 2v7a2 2 0 0 1-2 2H4a2 2 0 0 1-2-2v-7a2 2 0 0 1 2-2ZM15 11l6-3.5v9L15 13",
  pause: "M9 6v12M15 6v12",
  keypad: "M6 5h.01M12 5h.01M18 5h.01M6 11h.01M12 11h.01M18 11h.01M6 17h.01M12 17h.01M18 17h.01",
  devices: "M4 7h9M17 7h3M15 4.5v5M4 17h3M11 17h9M9 14.5v5",
  speaker: "M4 9.5v5h3.5L12 19V5L7.5 9.5H4ZM15.5 9a4.5 4.5 0 0 1 0 6M18 6.5a8 8 0 0 1 0 11",
  expand: "M4 9V4h5M15 4h5v5M20 15v5h-5M9 20H4v-5",
  close: "M6 6l12 12M18 6L6 18",
  off: "M4 4l16 16",
};

export type Icon = keyof typeof PATHS;

export function icon(name: Icon): SVGSVGElement {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  // Struck out by the style sheet where its button is pressed.
  for (const part of [name, "off"] as const) {
    const path = document.createElementNS(SVG, "path");
    path.setAttribute("d", PATHS[part]);
    if (part === "off") path.setAttribute("class", "strike");
    svg.append(path);
  }
  return svg;
}

/** A button that shows a drawing and has to be named. */
export function iconButton(name: Icon): HTMLButtonElement {
  const button = document.createElement("button");
  button.type = "button";
  button.append(icon(name));
  return button;
}

/** Name what shows no words, for eyes and for ears. */
export function label(button: HTMLElement, words: string): void {
  button.title = words;
  button.setAttribute("aria-label", words);
}
