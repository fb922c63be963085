// Turns the API's list of variants into products, as a shelf shows them.
import { products } from "../widget/client.js";
import { money } from "../widget/dom.js";

export const ROASTS = ["Light", "Medium", "Dark", "Decaf"];
const CATEGORIES = ["Coffee beans", "Brewers", "Filters", "Grinders", "Cups", "Accessories", "Gifts"];

const rank = (list, value) => (list.indexOf(value) + 1 || list.length + 1);

function roastOf(tags) {
  if (tags.includes("decaf")) return "Decaf";
  return ROASTS.find((roast) => tags.includes(`${roast.toLowerCase()} roast`)) ?? "";
}

/** A description's blocks stand apart by an empty line; one of several lines is a list. */
function paragraphs(description) {
  return (description ?? "").split(/\n{2,}/).filter(Boolean).flatMap((block) => {
    const lines = block.split("\n");
    return lines.map((text) => ({ kind: lines.length > 1 ? "li" : "p", text }));
  });
}

/** Products in shelf order: by category, beans from light to dark, then as the shop lists them. */
export async function shelf() {
  const byId = new Map();
  for (const variant of await products()) {
    const id = variant.productId ?? variant.id;
    const product = byId.get(id) ?? {
      handle: variant.handle ?? id,
      title: variant.title || variant.name,
      category: variant.category || "Everything else",
      tags: (variant.tags ?? []).map((tag) => tag.toLowerCase()),
      image: variant.productImageUrl ?? variant.imageUrl,
      about: paragraphs(variant.description),
      variants: [],
    };
    product.variants.push(variant);
    byId.set(id, product);
  }
  const all = [...byId.values()];
  for (const product of all) product.roast = product.category === "Coffee beans" ? roastOf(product.tags) : "";
  return all.sort((a, b) => rank(CATEGORIES, a.category) - rank(CATEGORIES, b.category) || rank(ROASTS, a.roast) - rank(ROASTS, b.roast));
}

// A stock of null is not counted: it never runs out.
export const inStock = (variant) => variant.stock === null || variant.stock > 0;

export function priceLine(product) {
  const prices = product.variants.map((variant) => variant.price);
  const lowest = money(Math.min(...prices), product.variants[0].currency);
  return Math.min(...prices) === Math.max(...prices) ? lowest : `from ${lowest}`;
}

export function tastesOf(product) {
  const line = product.about.find((block) => block.text.startsWith("Tastes of:"));
  return line ? line.text.slice("Tastes of:".length).trim() : product.about[0]?.text ?? "";
}
