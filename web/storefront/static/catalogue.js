// The shelves: categories, roasts and search over what the shop sells.
import { addItem } from "../widget/client.js";
import { h } from "../widget/dom.js";
import { ROASTS, inStock, priceLine, shelf, tastesOf } from "./shelf.js";

const finder = document.querySelector("[data-finder]");
const shelves = document.querySelector("[data-shelves]");
const found = document.querySelector("[data-found]");
const trouble = document.querySelector("[data-trouble]");
const chosen = { category: new URLSearchParams(location.search).get("category") ?? "", roast: "" };
let stock = [];

const words = (product) =>
  [product.title, product.category, product.roast, ...product.tags, ...product.about.map((block) => block.text)].join(" ").toLowerCase();

function matches(product) {
  const asked = finder.q.value.toLowerCase().split(/\s+/).filter(Boolean);
  return (
    (!chosen.category || product.category === chosen.category) &&
    (!chosen.roast || product.roast === chosen.roast) &&
    asked.every((word) => words(product).includes(word))
  );
}

async function add(product, button) {
  trouble.textContent = "";
  button.disabled = true;
  try {
    await addItem(product.variants[0].sku);
    dispatchEvent(new CustomEvent("momentum:open-cart"));
  } catch (error) {
    trouble.textContent = error.message;
    trouble.scrollIntoView({ block: "center" });
  } finally {
    button.disabled = false;
  }
}

function offer(product) {
  const address = `/shop/products/${encodeURIComponent(product.handle)}`;
  if (!product.variants.some(inStock)) return h("span", { class: "gone" }, "Sold out");
  if (product.variants.length > 1) return h("a", { class: "pick", href: address, tabindex: "-1", "aria-hidden": "true" }, "Choose");
  const button = h("button", { class: "pick", type: "button", "aria-label": `Add ${product.title} to the cart` }, "Add");
  button.addEventListener("click", () => add(product, button));
  return button;
}

function card(product) {
  const address = `/shop/products/${encodeURIComponent(product.handle)}`;
  return h("li", { class: "card" },
    h("img", { src: product.image, alt: "", width: 400, height: 400, loading: "lazy" }),
    product.roast && h("span", { class: "badge" }, product.roast),
    h("h3", {}, h("a", { href: address }, product.title)),
    h("p", { class: "notes" }, tastesOf(product)),
    h("div", { class: "foot" }, h("span", { class: "cost" }, priceLine(product)), offer(product)));
}

function chip(label, value, kind) {
  const button = h("button", { type: "button", "aria-pressed": String(chosen[kind] === value) }, label);
  button.addEventListener("click", () => {
    chosen[kind] = value;
    if (kind === "category") chosen.roast = "";
    draw();
  });
  return button;
}

function draw() {
  const categories = [...new Set(stock.map((product) => product.category))];
  const focused = document.activeElement?.textContent;
  const groups = [["[data-categories]", ["All", ""], categories, "category"], ["[data-roasts]", ["Any roast", ""], ROASTS, "roast"]];
  for (const [place, first, values, kind] of groups) {
    const box = finder.querySelector(place);
    const hadFocus = box.contains(document.activeElement);
    box.replaceChildren(...[first, ...values.map((value) => [value, value])].map(([label, value]) => chip(label, value, kind)));
    if (hadFocus) [...box.children].find((child) => child.textContent === focused)?.focus();
  }
  finder.querySelector("[data-roasts]").hidden = chosen.category !== "Coffee beans";

  const shown = stock.filter(matches);
  found.textContent = shown.length === 1 ? "1 product" : `${shown.length} products`;
  if (shown.length === 0) found.textContent = "Nothing matches. Try another word, or ask the assistant.";
  shelves.replaceChildren(...categories.flatMap((category) => {
    const here = shown.filter((product) => product.category === category);
    return here.length === 0 ? [] : [h("section", { class: "row" }, h("h2", {}, category), h("ul", {}, here.map(card)))];
  }));
}

finder.addEventListener("submit", (event) => event.preventDefault());
finder.q.addEventListener("input", draw);

try {
  stock = await shelf();
  draw();
} catch (error) {
  found.textContent = "";
  trouble.textContent = error.message;
}
