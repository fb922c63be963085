// The order that this browser has just placed.
import { summary } from "./summary.js";

const at = (name) => document.querySelector(`[data-${name}]`);
const order = JSON.parse(sessionStorage.getItem("shop.order") ?? "null");

if (order) {
  at("order-number").textContent = order.number;
  if (order.firstName) at("thanks").textContent = `Thank you, ${order.firstName}.`;
  at("summary").replaceChildren(...(await summary(order.cart)));
  at("order").hidden = false;
} else {
  at("none").hidden = false;
}
