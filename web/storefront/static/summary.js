// The order at a glance, for checkout and confirmation.
import { freeDelivery, pictures, totalsList } from "../widget/cart-view.js";
import { h, money } from "../widget/dom.js";

export async function summary(cart) {
  const picture = await pictures(cart);
  const delivery = freeDelivery(cart);
  return [
    h("ul", { class: "lines" }, cart.items.map((item) =>
      h("li", {},
        h("img", { src: picture(item), alt: "", width: 64, height: 64 }),
        h("span", {}, item.name, h("small", {}, `Quantity ${item.quantity}`)),
        h("b", {}, money(Math.round(item.unitPrice * item.quantity * 1000) / 1000, cart.currency))))),
    delivery && !delivery.reached ? h("p", { class: "gap" }, delivery.text) : "",
    totalsList(cart),
  ];
}
