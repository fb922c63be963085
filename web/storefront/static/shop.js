// What every page of the shop does: the cart button, the drawer, the way into the chat.
import "../widget/cart-drawer.js";
import { loadCart, onCart } from "../widget/client.js";

const button = document.querySelector("[data-open-cart]");
const count = document.querySelector("[data-cart-count]");

onCart((cart) => {
  const items = cart?.itemCount ?? 0;
  count.textContent = items;
  count.hidden = items === 0;
  button.setAttribute("aria-label", items === 1 ? "Cart, 1 item" : `Cart, ${items} items`);
});

document.addEventListener("click", (event) => {
  if (event.target.closest("[data-open-cart]")) dispatchEvent(new CustomEvent("momentum:open-cart"));
  const asked = event.target.closest("[data-open-chat]");
  if (asked) dispatchEvent(new CustomEvent("momentum:open-chat", { detail: { question: asked.dataset.question } }));
});

addEventListener("momentum:checkout", () => location.assign("/shop/checkout"));

// Without an answer the count stays away; the drawer says what is wrong when it is opened.
loadCart().catch(() => {});
