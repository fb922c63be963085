// What every page of the shop does: the cart button, the drawer, the way into the chat.
import "../widget/cart-drawer.js";
import { loadCart, onCart } from "../widget/client.js";

const count = document.querySelector("[data-cart-count]");
const said = document.querySelector("[data-cart-said]");

onCart((cart) => {
  const items = cart?.itemCount ?? 0;
  count.textContent = items;
  count.hidden = items === 0;
  said.textContent = items === 0 ? "" : items === 1 ? " item" : " items";
});

document.addEventListener("click", (event) => {
  if (event.target.closest("[data-open-cart]")) dispatchEvent(new CustomEvent("momentum:open-cart"));
  const asked = event.target.closest("[data-open-chat]");
  if (asked) dispatchEvent(new CustomEvent("momentum:open-chat", { detail: { question: asked.dataset.question } }));
});

addEventListener("momentum:checkout", () => location.assign("/shop/checkout"));

// Without an answer the count stays away; the drawer says what is wrong when it is opened.
loadCart().catch(() => {});
