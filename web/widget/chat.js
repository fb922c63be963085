// The chat itself: a dialog beside the page, or over it where the screen is narrow.
import { chatStyle } from "./chat-style.js";
import { ApiError, asCart, config, ensureCart, heldCartId, idempotencyKey, loadCart, onCart } from "./client.js";
import { CLOSE, h, icon } from "./dom.js";
import { answer } from "./stream.js";

const STORED = "momentum.chat";
const QUICK_QUESTIONS = [
  "What's the shipping cost to my area?",
  "Do you accept PayPal?",
  "Can I change my order after placing it?",
  "How do I apply a discount code?",
  "What's your return policy?",
];
const ASK_A_PERSON = "I would like to talk to a person.";
const WORKING = {
  get_cart: "Looking at your cart",
  search_faq: "Looking it up",
  apply_discount: "Checking what is possible",
  rank_upsells: "Looking through the shop",
  send_resume_link: "Preparing your link",
  request_human: "Asking the team",
};
const narrow = matchMedia("(max-width: 520px)");

/** A conversation lives as long as its tab and belongs to one cart. */
function stored() {
  const empty = { cartId: null, sessionId: null, rows: [], questions: QUICK_QUESTIONS };
  try {
    const kept = JSON.parse(sessionStorage.getItem(STORED) ?? "null");
    return kept && kept.cartId === heldCartId() ? kept : empty;
  } catch {
    return empty;
  }
}

export class ChatPanel {
  #talk = stored();
  #busy = false;
  #cart = null;

  constructor(host) {
    this.host = host;
    host.shadowRoot.adoptedStyleSheets.push(chatStyle);
    this.list = h("ol");
    this.log = h("div", { class: "log", role: "log", "aria-label": "Conversation", tabindex: "0" }, this.list);
    this.status = h("p", { class: "status", role: "status" });
    this.input = h("textarea", {
      id: "words", rows: "1", maxlength: "2000", placeholder: "Ask about this shop or your cart", autocomplete: "off",
      onkeydown: (event) => this.#keyed(event),
    });
    this.sender = h("button", { class: "round", type: "submit", "aria-label": "Send" }, icon("M5 12h13M12 5l7 7-7 7"));
    this.dialog = h(
      "dialog",
      { "aria-labelledby": "title", onkeydown: (event) => this.#escape(event), onclose: () => this.#closed() },
      h("div", { class: "head" },
        h("div", {},
          h("h2", { id: "title" }, `${config.company} help`),
          h("p", {}, "AI assistant. Ask for a person any time.")),
        h("button", { class: "round", type: "button", "aria-label": "Close the chat", onclick: () => this.close() }, icon(CLOSE))),
      this.log,
      this.status,
      h("form", { onsubmit: (event) => this.#submitted(event) },
        h("label", { class: "unseen", for: "words" }, "Your question"), this.input, this.sender),
      h("button", { class: "person", type: "button", onclick: () => this.say(ASK_A_PERSON) }, "Talk to a person instead"),
    );
    host.shadowRoot.append(this.dialog);
    onCart((cart) => (this.#cart = cart));
    narrow.addEventListener("change", () => this.dialog.open && this.#show());
  }

  async open(question) {
    if (!this.dialog.open) this.#show();
    if (this.#talk.cartId !== heldCartId()) this.#talk = stored();
    this.#draw();
    this.input.focus();
    await this.#begin();
    if (question) await this.say(question);
  }

  close() {
    this.dialog.close();
  }

  /** The shopper says something: typed, a quick question or a suggested action. */
  async say(content, key = idempotencyKey()) {
    const words = content.trim();
    if (!words || this.#busy) return;
    this.#working(true, "The assistant is answering");
    this.#add({ role: "USER", text: words });
    // The button that was pressed may be gone; the focus must not fall out of the dialog with it.
    if (!this.dialog.contains(this.host.shadowRoot.activeElement)) (narrow.matches ? this.log : this.input).focus();
    const row = { role: "ASSISTANT", text: "", sources: [], actions: [] };
    try {
      await this.#begin();
      const shown = this.#add(row, { keep: false });
      await this.#listen(words, key, row, shown);
      this.#talk.rows.push(row);
    } catch (error) {
      this.#drop(row);
      this.#failed(error, () => this.#again(words, key));
    } finally {
      this.#working(false);
      this.#keep();
    }
  }

  async #listen(words, key, row, shown) {
    for await (const { name, data } of answer(this.#talk.sessionId, words, key)) {
      if (name === "message.delta") {
        row.text += data.text;
        shown.says.textContent = row.text;
        shown.item.hidden = false;
      } else if (name === "tool") {
        this.status.textContent = WORKING[data.name] ?? "Working on it";
      } else if (name === "error") {
        throw new ApiError(data.detail ?? "Something went wrong. Please try again.");
      } else if (name === "message.done") {
        Object.assign(row, { text: data.response, sources: data.sources ?? [], actions: data.suggestedActions ?? [] });
        shown.item.replaceWith(this.#item(row));
        if (data.autoAppliedDiscount) await loadCart();
      }
      this.#scroll();
    }
  }

  #again(words, key) {
    this.list.lastElementChild?.remove();
    const asked = this.#talk.rows.pop();
    if (asked?.role === "USER") this.list.lastElementChild?.remove();
    this.say(words, key);
  }

  /** Opens a session for the cart unless one is open; its first row says that this is an AI. */
  async #begin() {
    if (this.#talk.sessionId) return;
    this.opening ??= this.#openSession().finally(() => (this.opening = null));
    await this.opening;
  }

  async #openSession() {
    try {
      await ensureCart();
      const context = {
        cartId: heldCartId(),
        cartValue: this.#cart?.grandTotal ?? 0,
        itemCount: this.#cart?.itemCount ?? 0,
        checkoutStep: document.body.dataset.checkoutStep ?? "browsing",
      };
      const response = await asCart("POST", "/cs/sessions", { body: { channel: "CHECKOUT_CHAT", context } });
      const session = await response.json();
      const rows = (session.messages ?? []).map((row) => ({ role: "NOTICE", text: row.content }));
      this.#talk = { cartId: heldCartId(), sessionId: session.id, rows: [...rows, ...this.#talk.rows], questions: session.quickQuestions ?? QUICK_QUESTIONS };
      this.#keep();
      this.#draw();
    } catch (error) {
      if (this.#busy) throw error;
      this.#failed(error, () => {
        this.list.lastElementChild?.remove();
        this.#begin();
      });
    }
  }

  #draw() {
    this.list.replaceChildren(...this.#talk.rows.map((row) => this.#item(row)));
    if (this.#talk.sessionId && !this.#talk.rows.some((row) => row.role === "USER")) {
      this.list.append(h("li", { class: "quick" },
        h("ul", { class: "choices", "aria-label": "Common questions" },
          this.#talk.questions.map((text) => h("li", {}, h("button", { type: "button", onclick: () => this.say(text) }, text))))));
    }
    this.#scroll();
  }

  #add(row, { keep = true } = {}) {
    this.list.querySelector(".quick")?.remove();
    if (keep) this.#talk.rows.push(row);
    const item = this.#item(row);
    item.hidden = !row.text;
    this.list.append(item);
    this.#scroll();
    return { item, says: item.querySelector(".says span:last-child") };
  }

  #item(row) {
    const mine = row.role === "USER";
    const kind = mine ? "mine" : row.role === "NOTICE" ? "notice" : "theirs";
    const actions = (row.actions ?? []).filter((action) => action.label);
    return h("li", { class: kind },
      h("div", { class: "says" },
        h("span", { class: "unseen" }, mine ? "You: " : "Assistant: "), h("span", {}, row.text)),
      row.sources?.length > 0 && h("p", { class: "sources" }, "From our help pages: ",
        h("b", {}, row.sources.map((source) => source.title).join(" · "))),
      actions.length > 0 && h("ul", { class: "choices", "aria-label": "Suggestions" },
        actions.map((action) => h("li", {}, h("button", { type: "button", onclick: () => this.#act(action) }, action.label)))));
  }

  #act(action) {
    const events = { open_cart: "momentum:open-cart", view_cart: "momentum:open-cart", checkout: "momentum:checkout" };
    const event = events[action.type?.toLowerCase()];
    if (!event) return this.say(action.type?.toLowerCase() === "escalate" ? ASK_A_PERSON : action.label);
    if (narrow.matches) this.close();
    return dispatchEvent(new CustomEvent(event));
  }

  #failed(error, again) {
    const sentence = error instanceof ApiError ? error.message : "Something went wrong on this page. Please try again.";
    this.list.append(h("li", { class: "failed" },
      h("div", { class: "says", role: "alert" }, sentence),
      h("ul", { class: "choices" }, h("li", {}, h("button", { type: "button", onclick: again }, "Try again")))));
    this.#scroll();
  }

  #drop(row) {
    const last = this.list.lastElementChild;
    if (last?.classList.contains("theirs") && (last.hidden || row.text)) last.remove();
  }

  #working(busy, words = "") {
    this.#busy = busy;
    this.status.textContent = words;
    this.log.setAttribute("aria-busy", String(busy));
    this.sender.setAttribute("aria-disabled", String(busy));
  }

  #submitted(event) {
    event.preventDefault();
    if (this.#busy || !this.input.value.trim()) return;
    const words = this.input.value;
    this.input.value = "";
    this.say(words);
  }

  #keyed(event) {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    this.input.form.requestSubmit();
  }

  #escape(event) {
    if (event.key !== "Escape") return;
    event.preventDefault();
    this.close();
  }

  #show() {
    if (this.dialog.open) this.dialog.close();
    if (narrow.matches) this.dialog.showModal();
    else this.dialog.show();
    this.host.button.hidden = true;
  }

  #closed() {
    if (this.dialog.open) return;
    this.host.button.hidden = false;
    this.host.button.focus();
  }

  #scroll() {
    this.log.scrollTop = this.log.scrollHeight;
  }

  #keep() {
    sessionStorage.setItem(STORED, JSON.stringify(this.#talk));
  }
}
