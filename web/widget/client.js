// Talks to the shop's API for this page: products, the cart and its token. Nothing is sent before the shopper acts.
const script = document.querySelector("script[data-publishable-key]");
const data = script?.dataset ?? {};

export const config = {
  key: data.publishableKey ?? "",
  company: data.company ?? "",
  currency: data.currency ?? "USD",
  api: new URL(data.apiBase ?? "/api/momentum", script?.src || location.href).href.replace(/\/$/, ""),
};

const STORED = "momentum.cart";
const TOKEN_AGE_MS = 10 * 60_000;
const changes = new EventTarget();
let cart = null;
// How often the cart was told: an answer that began before the last time is old.
let published = 0;
let queue = Promise.resolve();

/** What went wrong, in a sentence that says what to do. */
export class ApiError extends Error {
  constructor(sentence, { status = 0, code = "", retryAfter = 0 } = {}) {
    super(sentence);
    Object.assign(this, { status, code, retryAfter });
  }
}

export function idempotencyKey() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** The token outlives the page, so that a shopper who comes back finds the cart. */
function held() {
  try {
    return JSON.parse(localStorage.getItem(STORED) ?? "null");
  } catch {
    return null;
  }
}

function hold(value) {
  if (value) localStorage.setItem(STORED, JSON.stringify({ ...value, at: Date.now() }));
  else localStorage.removeItem(STORED);
}

export function heldCartId() {
  return held()?.id ?? null;
}

function publish(next) {
  cart = next;
  published += 1;
  changes.dispatchEvent(new Event("cart"));
}

/** Calls `listener` with the cart (or null) now and at each change; returns how to stop. */
export function onCart(listener) {
  const tell = () => listener(cart);
  changes.addEventListener("cart", tell);
  tell();
  return () => changes.removeEventListener("cart", tell);
}

async function send(method, path, { token, body, key, headers, signal }) {
  const sent = { authorization: `Bearer ${token}`, accept: "application/json", ...headers };
  if (body !== undefined) sent["content-type"] = "application/json";
  if (key) sent["idempotency-key"] = key;
  try {
    return await fetch(path.startsWith("/demo/") ? new URL(path, config.api) : config.api + path, {
      method, headers: sent, signal, body: body === undefined ? undefined : JSON.stringify(body),
    });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new ApiError("The shop cannot be reached. Check your connection and try again.");
  }
}

async function problem(response) {
  const found = await response.json().catch(() => ({}));
  const sentence = found.detail || found.title || "Something went wrong on our side. Please try again in a moment.";
  return new ApiError(typeof sentence === "string" ? sentence : "Please check what you entered.", {
    status: response.status,
    code: found.code ?? "",
    retryAfter: Number(response.headers.get("retry-after")) || 0,
  });
}

async function renew() {
  const mine = held();
  if (!mine) throw new ApiError("Your cart is no longer open. Please add the items again.", { status: 401 });
  const response = await send("POST", `/carts/${mine.id}/token`, { token: mine.token });
  if (!response.ok) throw await problem(response);
  const { cartToken } = await response.json();
  hold({ id: mine.id, token: cartToken });
}

/** A request with the cart's token, renewed when it is old or refused. Answers the raw response. */
export async function asCart(method, path, options = {}) {
  const mine = held();
  if (!mine) throw new ApiError("Your cart is no longer open. Please add the items again.", { status: 401 });
  if (Date.now() - mine.at > TOKEN_AGE_MS) await renew().catch(() => {});
  const key = options.key ?? (method === "GET" ? undefined : idempotencyKey());
  let response = await send(method, path, { ...options, key, token: held().token });
  if (response.status === 401) {
    await renew();
    response = await send(method, path, { ...options, key, token: held().token });
  }
  if (!response.ok) throw await problem(response);
  return response;
}

async function asShop(method, path, body) {
  const response = await send(method, path, { token: config.key, body });
  if (!response.ok) throw await problem(response);
  return response.json();
}

let catalogue = null;

/** Every variant on sale, all pages of it, fetched once a page view. */
export function products() {
  catalogue ??= (async () => {
    const items = [];
    let cursor = null;
    do {
      const found = await asShop("GET", `/products${cursor ? `?cursor=${encodeURIComponent(cursor)}` : ""}`);
      items.push(...found.items);
      cursor = found.nextCursor;
    } while (cursor);
    return items;
  })();
  catalogue.catch(() => (catalogue = null));
  return catalogue;
}

/** The cart as the shop has it; one that is ordered or gone is let go. What is overtaken by a change is old. */
export async function loadCart() {
  const mine = held();
  if (!mine) return publish(null);
  const before = published;
  try {
    const found = await (await asCart("GET", `/carts/${mine.id}`)).json();
    if (published !== before) return;
    if (found.status === "CONVERTED") forgetCart();
    else publish(found);
  } catch (error) {
    if (![401, 403, 404].includes(error.status)) throw error;
    forgetCart();
  }
}

export function forgetCart() {
  hold(null);
  publish(null);
}

async function open(items) {
  const opened = await asShop("POST", "/carts", { currency: config.currency, items });
  const { cartToken, ...found } = opened;
  hold({ id: found.id, token: cartToken });
  publish(found);
}

/** One change after the other: two quick clicks must not open two carts. */
function inTurn(change) {
  const result = queue.then(change);
  queue = result.catch(() => {});
  return result;
}

async function change(method, path, body) {
  const response = await asCart(method, `/carts/${held()?.id}${path}`, { body });
  const found = response.status === 204 ? null : await response.json();
  if (found?.items) publish(found);
  else await loadCart();
}

export const ensureCart = () => inTurn(() => (held() ? undefined : open([])));

/** Adds to the cart, or opens one; a cart whose token has run out is behind us. */
export const addItem = (sku, quantity = 1) =>
  inTurn(async () => {
    if (!held()) return open([{ sku, quantity }]);
    try {
      return await change("POST", "/items", { sku, quantity });
    } catch (error) {
      if (error.status !== 401) throw error;
      forgetCart();
      return open([{ sku, quantity }]);
    }
  });

export const setQuantity = (itemId, quantity) => inTurn(() => change("PATCH", `/items/${itemId}`, { quantity }));

export const removeItem = (itemId) => inTurn(() => change("DELETE", `/items/${itemId}`));

/** Called when the shopper submits the contact form: only now does what was typed leave the page (rules C-03). */
export const startCheckout = (customer) => inTurn(() => change("POST", "/checkout", { customer }));

/** The demo's stand-in for the merchant's own payment: answers the order. */
export async function pay() {
  const response = await asCart("POST", "/demo/pay", { body: { cartId: held()?.id } });
  return response.json();
}

// A token lives 30 minutes; an open page keeps it alive. That is no activity: the cart is left when it is left.
setInterval(() => held() && renew().catch(() => {}), TOKEN_AGE_MS);

addEventListener("storage", (event) => {
  if (event.key === STORED) loadCart().catch(() => {});
});
