// The outbox page: reads what was sent, shows it in a frame that can run nothing, moves the shop's clock.
import { h } from "../widget/dom.js";

const at = (name) => document.querySelector(`[data-${name}]`);
const base = document.body.dataset.demoBase;
const frame = document.querySelector("iframe");
const tabs = [...document.querySelectorAll("[role=tab]")];
const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
const STAGES = {
  BROWSE_REMINDER: "Reminder", PATTERN_INTERRUPT: "Your cart", DIAGNOSIS_SURVEY: "Survey", BRANCHING_INTERVENTION: "Answer to the survey",
  NUCLEAR_OFFER: "Best offer", LOSS_VISUALIZATION: "What is in the cart", WINBACK_SEQUENCE: "Come back",
};
const AGAIN_MS = 5000;
let messages = [];
let openId = null;
let moving = false;

const lastCart = () => {
  const held = JSON.parse(localStorage.getItem("momentum.cart") ?? "null");
  if (held) sessionStorage.setItem("outbox.cart", held.id);
  return held?.id ?? sessionStorage.getItem("outbox.cart");
};
const when = (instant) => new Date(instant).toLocaleString(document.documentElement.lang, { weekday: "long", day: "numeric", month: "long", hour: "2-digit", minute: "2-digit" });
const stageOf = (message) => STAGES[message.stage] ?? message.stage ?? message.channel;

async function ask(path, options) {
  const response = await fetch(base + path, options).catch(() => null);
  if (!response) throw new Error("The demo cannot be reached. Is it still running?");
  const found = await response.json().catch(() => ({}));
  if (!response.ok) throw new Error(found.detail || "The demo could not do that. Please try again.");
  return found;
}

function showNow({ now }) {
  at("now").textContent = when(now);
  at("zone").textContent = zone;
}

async function refresh() {
  const cart = at("mine").checked ? lastCart() : null;
  const [{ items }, state] = await Promise.all([ask(`/outbox.json${cart ? `?cartId=${cart}` : ""}`), ask("/state.json")]);
  showNow(state);
  const known = messages.map((message) => message.id).join();
  messages = items.toSorted((a, b) => b.sentAt.localeCompare(a.sentAt));
  if (messages.map((message) => message.id).join() !== known) list();
}

function list() {
  at("count").textContent = `(${messages.length})`;
  at("empty").hidden = messages.length > 0;
  const focused = document.activeElement?.dataset.message;
  at("list").replaceChildren(...messages.map((message) =>
    h("li", {}, h("button", { type: "button", "data-message": message.id, "aria-current": String(message.id === openId), onclick: () => read(message, true) },
      h("span", { class: "tag" }, stageOf(message)), h("b", {}, message.subject || message.text.slice(0, 80)),
      h("small", {}, `To ${message.to}`), h("small", {}, when(message.sentAt))))));
  if (focused) document.querySelector(`[data-message="${CSS.escape(focused)}"]`)?.focus();
  const open = messages.find((message) => message.id === openId) ?? messages[0];
  if (open && open.id !== openId) read(open, false);
  if (!open) at("reader").hidden = true;
}

const pairs = (rows) => rows.flatMap(([name, value]) => [h("dt", {}, name), h("dd", {}, value)]);

function read(message, byHand) {
  openId = message.id;
  for (const button of at("list").querySelectorAll("button")) button.setAttribute("aria-current", String(button.dataset.message === openId));
  at("reader").hidden = false;
  at("subject").textContent = message.subject || message.channel;
  at("envelope").replaceChildren(...pairs([["To", message.to], ["Sent", when(message.sentAt)], ["Channel", message.channel], ["Stage", stageOf(message)]]));
  at("link").hidden = !message.recoveryUrl;
  if (message.recoveryUrl) at("link").href = message.recoveryUrl;
  document.getElementById("tab-html").disabled = !message.html;
  choose(message.html ? "html" : "text");
  // Links of the message open in a tab of their own; inside the frame nothing runs and nothing is sent.
  frame.srcdoc = message.html ? message.html.replace(/<head([^>]*)>/i, '<head$1><base target="_blank">') : "";
  document.getElementById("part-text").textContent = message.text ?? "";
  document.getElementById("part-headers").replaceChildren(...pairs(Object.entries(message.headers ?? {})));
  if (byHand) at("subject").focus({ preventScroll: matchMedia("(min-width: 901px)").matches });
}

function choose(part, focus = false) {
  for (const tab of tabs) {
    const on = tab.id === `tab-${part}`;
    tab.setAttribute("aria-selected", String(on));
    tab.tabIndex = on ? 0 : -1;
    document.getElementById(tab.getAttribute("aria-controls")).hidden = !on;
    if (on && focus) tab.focus();
  }
}

async function move(minutes) {
  if (moving) return;
  moving = true;
  const buttons = document.querySelectorAll(".steps button");
  at("trouble").textContent = "";
  at("said").textContent = "Moving the clock and doing what becomes due on the way…";
  for (const button of buttons) button.disabled = true;
  const before = messages.length;
  try {
    showNow(await ask("/clock.json", { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify({ advanceMinutes: minutes }) }));
    await refresh();
    const sent = messages.length - before;
    at("said").textContent = sent > 0 ? `${sent} new ${sent === 1 ? "message" : "messages"}.` : "No new messages.";
  } catch (error) {
    at("said").textContent = "";
    at("trouble").textContent = error.message;
  } finally {
    moving = false;
    for (const button of buttons) button.disabled = false;
  }
}

const step = (offset) => {
  const usable = tabs.filter((tab) => !tab.disabled);
  const now = usable.findIndex((tab) => tab.getAttribute("aria-selected") === "true");
  choose(usable.at((now + offset) % usable.length).id.slice("tab-".length), true);
};

for (const tab of tabs) tab.addEventListener("click", () => choose(tab.id.slice("tab-".length)));
document.querySelector("[role=tablist]").addEventListener("keydown", (event) => {
  if (event.key === "ArrowRight") step(1);
  if (event.key === "ArrowLeft") step(-1);
});
for (const button of document.querySelectorAll("[data-minutes]")) button.addEventListener("click", () => move(Number(button.dataset.minutes)));
at("custom").addEventListener("submit", (event) => {
  event.preventDefault();
  move(Number(event.target.elements.minutes.value));
});
at("mine").addEventListener("change", () => refresh().catch(say));

const say = (error) => (at("trouble").textContent = error.message);

at("mine-label").hidden = !lastCart();
refresh().then(list).catch(say);
setInterval(() => {
  if (!document.hidden && !moving) refresh().catch(say);
}, AGAIN_MS);
