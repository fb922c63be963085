// What a cart looks like wherever it is shown: its lines' pictures, its totals, the way to free delivery.
import { products } from "./client.js";
import { h, money } from "./dom.js";

/** Label, amount and kind of each total; a line that is zero and says nothing is left out. */
export function totalRows(cart) {
  const price = (amount) => money(amount, cart.currency);
  return [
    ["Subtotal", price(cart.subtotal), ""],
    cart.discountTotal > 0 && ["Discount", `\u2212${price(cart.discountTotal)}`, "discount"],
    ["Delivery", cart.shipping > 0 ? price(cart.shipping) : "Free", ""],
    cart.tax > 0 && ["Tax", price(cart.tax), ""],
    ["Total", price(cart.grandTotal), "total"],
  ].filter(Boolean);
}

export function totalsList(cart) {
  return h("dl", { class: "totals" },
    totalRows(cart).map(([label, amount, kind]) => h("div", { class: kind }, h("dt", {}, label), h("dd", {}, amount))));
}

/**
 * How far it is to free delivery, as the shop counts it, or nothing where it does not say; the sentence also names
 * what delivery costs otherwise.
 */
export function freeDelivery(cart) {
  if (cart.itemCount === 0) return null;
  if (cart.shipping === 0) return { reached: true, text: "Delivery is free for this order." };
  if (!(cart.freeShipping?.remaining > 0)) return null;
  const { threshold, remaining } = cart.freeShipping;
  return {
    reached: false,
    share: 1 - remaining / threshold,
    text: `Add ${money(remaining, cart.currency)} for free delivery. Otherwise it is ${money(cart.shipping, cart.currency)}.`,
  };
}

/** The picture of each SKU, from the cart's own lines or from the catalogue. */
export async function pictures(cart) {
  const missing = cart.items.some((item) => !item.imageUrl);
  const known = missing ? await products().catch(() => []) : [];
  const bySku = new Map(known.map((product) => [product.sku, product.imageUrl]));
  return (item) => item.imageUrl ?? bySku.get(item.sku) ?? null;
}
