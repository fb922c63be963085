// Builds elements. Text is always text: nothing that comes from the network is read as HTML.
export function h(tag, props = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(props ?? {})) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}

/** An icon of one or more stroked paths on a 24 by 24 grid; decoration, hidden from screen readers. */
export function icon(...paths) {
  const NS = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(NS, "svg");
  const attributes = {
    viewBox: "0 0 24 24", width: "22", height: "22", fill: "none", stroke: "currentColor",
    "stroke-width": "1.8", "stroke-linecap": "round", "stroke-linejoin": "round", "aria-hidden": "true",
  };
  for (const [name, value] of Object.entries(attributes)) svg.setAttribute(name, value);
  for (const d of paths) {
    const path = document.createElementNS(NS, "path");
    path.setAttribute("d", d);
    svg.append(path);
  }
  return svg;
}

export const CLOSE = "M6 6l12 12M18 6L6 18";

/** Styles for one shadow root; a constructed sheet passes a content policy that forbids inline style. */
export function sheet(css) {
  const made = new CSSStyleSheet();
  made.replaceSync(css);
  return made;
}

export function money(amount, currency) {
  return new Intl.NumberFormat(document.documentElement.lang || "en", { style: "currency", currency }).format(amount);
}
