// The cart drawer. An item leaves at once and can be put back for eight seconds: no question stands in the way.
import { addItem, loadCart, onCart, removeItem, setQuantity } from "./client.js";
import { freeDelivery, pictures, totalsList } from "./cart-view.js";
import { CLOSE, h, icon, money, sheet } from "./dom.js";

const UNDO_MS = 8000;

const style = sheet(`
  :host { --m-accent: var(--momentum-accent, #1f5b44); --m-on: var(--momentum-on-accent, #fff); --m-paper: #fff; --m-ink: #241d18;
    --m-muted: #6b6058; --m-line: #e4dcd0; --m-wash: #f5f0e7; --m-good: #e6f1ea; --m-bad: #9b2c17; }
  @media (prefers-color-scheme: dark) {
    :host { --m-accent: var(--momentum-accent, #7fcfa8); --m-on: var(--momentum-on-accent, #10241b); --m-paper: #221d19; --m-ink: #f2eade;
      --m-muted: #b9ad9f; --m-line: #3d352e; --m-wash: #2f2822; --m-good: #21352c; --m-bad: #ffab96; }
  }
  dialog { position: fixed; inset: 0 0 0 auto; box-sizing: border-box; width: min(460px, 100vw); max-width: none; height: 100dvh;
    max-height: none; margin: 0; padding: 0; border: 0; background: var(--m-paper); color: var(--m-ink);
    font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; }
  dialog[open] { display: flex; flex-direction: column; animation: slide .22s ease-out; }
  dialog::backdrop { background: #1a120bb3; animation: fade .22s; }
  @keyframes slide { from { transform: translateX(40px); opacity: 0; } }
  @keyframes fade { from { opacity: 0; } }
  .head { display: flex; align-items: center; justify-content: space-between; padding: 18px 16px 14px 26px; border-bottom: 1px solid var(--m-line); }
  h2 { margin: 0; font: 600 22px/1.25 var(--momentum-display, Georgia, serif); }
  h2 span { font: 400 16px system-ui, sans-serif; color: var(--m-muted); }
  button { font: inherit; color: inherit; cursor: pointer; }
  :focus-visible { outline: 3px solid var(--m-accent); outline-offset: 2px; }
  .round { display: grid; place-items: center; width: 44px; height: 44px; padding: 0; border: 0; border-radius: 50%; background: none; }
  .round:hover { background: var(--m-wash); }
  .body { flex: 1; overflow-y: auto; overscroll-behavior: contain; padding: 4px 26px 20px; }
  ul { margin: 0; padding: 0; list-style: none; }
  li { display: grid; grid-template-columns: 84px 1fr auto; gap: 4px 16px; padding: 20px 0; border-bottom: 1px solid var(--m-line); }
  li img, li .blank { grid-row: span 2; width: 84px; height: 84px; border-radius: 12px; background: var(--m-wash); object-fit: cover; }
  .name { font-weight: 600; line-height: 1.35; }
  .each { display: block; font-weight: 400; font-size: 14.5px; color: var(--m-muted); }
  .sum { font-variant-numeric: tabular-nums; font-weight: 600; }
  .tools { grid-column: 2 / 4; display: flex; align-items: center; justify-content: space-between; margin-top: 6px; }
  .steps { display: flex; align-items: center; border: 1.5px solid var(--m-line); border-radius: 24px; }
  .steps output { min-width: 26px; text-align: center; font-variant-numeric: tabular-nums; }
  .steps button[disabled] { opacity: .35; cursor: default; }
  .link { min-height: 44px; padding: 0 6px; border: 0; background: none; color: var(--m-muted); font-size: 15px; text-decoration: underline; text-underline-offset: 3px; }
  .link:hover { color: var(--m-ink); }
  .undo { display: flex; align-items: center; justify-content: space-between; gap: 12px; margin-top: 16px; padding: 6px 8px 6px 18px; border-radius: 12px;
    background: var(--m-ink); color: var(--m-paper); }
  .undo button { min-height: 44px; padding: 0 14px; border: 0; border-radius: 9px; background: none; font-weight: 700; text-decoration: underline;
    text-underline-offset: 3px; }
  .undo :focus-visible { outline-color: var(--m-paper); }
  .delivery { margin-top: 18px; padding: 14px 18px; border-radius: 12px; background: var(--m-good); }
  .delivery p { margin: 0; }
  progress { display: block; width: 100%; height: 8px; margin-top: 10px; appearance: none; border: 0; border-radius: 4px; overflow: hidden; background: var(--m-paper); }
  progress::-webkit-progress-bar { background: var(--m-paper); }
  progress::-webkit-progress-value { background: var(--m-accent); border-radius: 4px; }
  progress::-moz-progress-bar { background: var(--m-accent); }
  .trouble { margin: 16px 0 0; padding: 12px 16px; border: 1.5px solid var(--m-bad); border-radius: 12px; color: var(--m-bad); }
  .trouble:empty { display: none; }
  .foot { padding: 16px 26px 22px; border-top: 1px solid var(--m-line); }
  dl { margin: 0 0 14px; }
  dl div { display: flex; justify-content: space-between; padding: 3px 0; }
  dd { margin: 0; font-variant-numeric: tabular-nums; }
  .discount { color: var(--m-accent); font-weight: 600; }
  .total { margin-top: 6px; padding-top: 10px; border-top: 1px solid var(--m-line); font-size: 19px; font-weight: 700; }
  .go { display: flex; align-items: center; justify-content: center; min-height: 54px; border: 0; border-radius: 14px; background: var(--m-accent); color: var(--m-on);
    width: 100%; font-weight: 650; font-size: 17px; text-decoration: none; }
  .go:hover { filter: brightness(1.08); }
  .trust { margin: 12px 0 0; text-align: center; font-size: 13.5px; line-height: 1.45; color: var(--m-muted); text-wrap: balance; }
  .empty { display: grid; justify-items: center; gap: 18px; padding: 18vh 24px 0; text-align: center; color: var(--m-muted); }
  .empty .go { width: auto; padding: 0 28px; }
  @media (prefers-reduced-motion: reduce) { dialog[open], dialog::backdrop { animation: none; } }
`);

class MomentumCartDrawer extends HTMLElement {
  #cart = null;
  #removed = null;
  #timer = 0;

  connectedCallback() {
    if (this.shadowRoot) return;
    const root = this.attachShadow({ mode: "open" });
    root.adoptedStyleSheets = [style];
    this.heading = h("h2", { id: "title" }, "Your cart");
    this.body = h("div", { class: "body" });
    this.undo = h("div", { role: "status" });
    this.trouble = h("p", { class: "trouble", role: "alert" });
    this.footer = h("div", { class: "foot" });
    this.dialog = h("dialog", { "aria-labelledby": "title", onclick: (event) => event.target === this.dialog && this.#outside(event) },
      h("div", { class: "head" }, this.heading, h("button", { class: "round", type: "button", "aria-label": "Close the cart", onclick: () => this.close() }, icon(CLOSE))),
      this.body, this.footer);
    root.append(this.dialog);
    addEventListener("momentum:open-cart", () => this.open());
    onCart((cart) => {
      this.#cart = cart;
      this.#draw();
    });
  }

  open() {
    if (!this.dialog.open) this.dialog.showModal();
    loadCart().catch((error) => this.#say(error));
  }

  close() {
    this.dialog.close();
  }

  #outside(event) {
    const box = this.dialog.getBoundingClientRect();
    if (event.clientX < box.left) this.close();
  }

  async #draw() {
    const cart = this.#cart;
    const count = cart?.itemCount ?? 0;
    this.heading.replaceChildren("Your cart ", h("span", {}, count === 1 ? "(1 item)" : `(${count} items)`));
    const picture = cart ? await pictures(cart) : null;
    if (cart !== this.#cart) return;
    const focused = this.shadowRoot.activeElement?.dataset.key;
    this.footer.hidden = count === 0;
    this.body.replaceChildren(this.undo, this.trouble, ...(count === 0 ? [this.#empty()] : [this.#lines(cart, picture), this.#delivery(cart)].filter(Boolean)));
    this.footer.replaceChildren(...(count === 0 ? [] : this.#checkout(cart)));
    if (focused) this.shadowRoot.querySelector(`[data-key="${CSS.escape(focused)}"]`)?.focus();
  }

  #empty() {
    return h("div", { class: "empty" }, h("p", {}, "Nothing in here yet."), h("button", { class: "go", type: "button", onclick: () => this.close() }, "Look around the shop"));
  }

  #lines(cart, picture) {
    return h("ul", { "aria-label": "Items" }, cart.items.map((item) => {
      const source = picture(item);
      const step = (label, sign, quantity, key) =>
        h("button", { class: "round", type: "button", "aria-label": `${label} ${item.name}`, "data-key": key, disabled: quantity < 1,
          onclick: () => this.#try(() => setQuantity(item.id, quantity)) }, sign);
      return h("li", {},
        source ? h("img", { src: source, alt: "", width: 84, height: 84 }) : h("span", { class: "blank" }),
        h("span", { class: "name" }, item.name, item.quantity > 1 && h("span", { class: "each" }, `${money(item.unitPrice, cart.currency)} each`)),
        h("span", { class: "sum" }, money(Math.round(item.unitPrice * item.quantity * 1000) / 1000, cart.currency)),
        h("div", { class: "tools" },
          h("div", { class: "steps", role: "group", "aria-label": `Quantity of ${item.name}` },
            step("One less of", "\u2212", item.quantity - 1, `${item.id}-less`),
            h("output", { "aria-label": "Quantity" }, String(item.quantity)),
            step("One more of", "+", item.quantity + 1, `${item.id}-more`)),
          h("button", { class: "link", type: "button", "aria-label": `Remove ${item.name}`, onclick: () => this.#remove(item) }, "Remove")));
    }));
  }

  #delivery(cart) {
    const line = freeDelivery(cart);
    if (!line) return null;
    return h("div", { class: "delivery" }, h("p", {}, line.text),
      !line.reached && h("progress", { max: 1, value: line.share, "aria-label": "On the way to free delivery" }));
  }

  #checkout(cart) {
    const trust = this.getAttribute("trust");
    return [
      totalsList(cart),
      h("a", { class: "go", href: this.getAttribute("checkout") ?? "/checkout" }, `Checkout \u00b7 ${money(cart.grandTotal, cart.currency)}`),
      trust && h("p", { class: "trust" }, trust),
    ].filter(Boolean);
  }

  async #remove(item) {
    if (!(await this.#try(() => removeItem(item.id)))) return;
    this.#removed = item;
    const back = h("button", { type: "button", onclick: () => this.#putBack() }, "Undo");
    const note = h("div", { class: "undo" }, h("span", {}, `${item.name} removed.`), back);
    // The time stands still while the pointer rests on it.
    note.addEventListener("pointerenter", () => clearTimeout(this.#timer));
    note.addEventListener("pointerleave", () => this.#forgetLater());
    this.undo.replaceChildren(note);
    back.focus();
    this.#forgetLater();
  }

  async #putBack() {
    const item = this.#removed;
    this.#forget();
    if (item) await this.#try(() => addItem(item.sku, item.quantity));
    this.heading.tabIndex = -1;
    this.heading.focus();
  }

  #forgetLater() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#forget(), UNDO_MS);
  }

  #forget() {
    clearTimeout(this.#timer);
    this.#removed = null;
    const focused = this.undo.contains(this.shadowRoot.activeElement);
    this.undo.replaceChildren();
    if (focused) {
      this.heading.tabIndex = -1;
      this.heading.focus();
    }
  }

  async #try(action) {
    this.trouble.textContent = "";
    try {
      await action();
      return true;
    } catch (error) {
      this.#say(error);
      return false;
    }
  }

  #say(error) {
    this.trouble.textContent = error.message;
  }
}

if (!customElements.get("momentum-cart-drawer")) customElements.define("momentum-cart-drawer", MomentumCartDrawer);
