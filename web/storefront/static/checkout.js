// Checkout. What is typed stays in the form until the shopper submits it (rules C-03); no field reports as it is filled.
import { forgetCart, onCart, pay, startCheckout } from "../widget/client.js";
import { money } from "../widget/dom.js";
import { summary } from "./summary.js";

const at = (name) => document.querySelector(`[data-${name}]`);
const contact = at("contact");
const payment = at("payment");
const trouble = at("trouble");
let cart = null;
let firstName = "";

onCart(async (next) => {
  cart = next;
  const empty = !cart || cart.itemCount === 0;
  at("pay").textContent = empty ? "Pay" : `Pay ${money(cart.grandTotal, cart.currency)}`;
  const parts = empty ? ["Your cart is empty."] : await summary(cart);
  if (cart === next) at("summary").replaceChildren(...parts);
});

function wrong(input, sentence) {
  document.getElementById(`${input.id === "email" ? "email" : "name"}-wrong`).textContent = sentence;
  input.setAttribute("aria-invalid", String(sentence !== ""));
  return sentence !== "";
}

function checked() {
  const { email, firstName: name } = contact.elements;
  const faults = [
    [name, wrong(name, name.value.trim() ? "" : "Enter your first name.")],
    [email, wrong(email, email.validity.valid && email.value ? "" : "Enter an email address such as name@example.com.")],
  ].filter(([, faulty]) => faulty);
  faults.at(-1)?.[0].focus();
  return faults.length === 0;
}

async function guarded(button, action) {
  trouble.textContent = "";
  button.disabled = true;
  try {
    await action();
  } catch (error) {
    trouble.textContent = error.message;
    trouble.scrollIntoView({ block: "center" });
  } finally {
    button.disabled = false;
  }
}

function step(name) {
  const paying = name === "payment";
  document.body.dataset.checkoutStep = name;
  contact.hidden = paying;
  at("contact-done").hidden = !paying;
  payment.hidden = !paying;
}

contact.addEventListener("submit", (event) => {
  event.preventDefault();
  if (!checked()) return;
  const { email, firstName: name, country, consent } = contact.elements;
  guarded(event.submitter, async () => {
    if (!cart || cart.itemCount === 0) throw new Error("Your cart is empty. Add something first.");
    firstName = name.value.trim();
    await startCheckout({
      email: email.value.trim(),
      firstName,
      country: country.value,
      timezone: Intl.DateTimeFormat().resolvedOptions().timeZone,
      consents: consent.checked ? ["EMAIL"] : [],
    });
    at("contact-said").textContent = `${firstName}, ${email.value.trim()}. ${consent.checked ? "We may email you about this cart." : "No emails about this cart."}`;
    step("payment");
    payment.elements.name.focus();
  });
});

at("change-contact").addEventListener("click", () => {
  step("contact");
  contact.elements.email.focus();
});

payment.addEventListener("submit", (event) => {
  event.preventDefault();
  guarded(event.submitter, async () => {
    const ordered = cart;
    const order = await pay();
    sessionStorage.setItem("shop.order", JSON.stringify({ number: order.orderId ?? "", firstName, cart: ordered }));
    forgetCart();
    location.assign("/shop/thank-you");
  });
});

const region = new Intl.Locale(navigator.language).region;
if ([...contact.elements.country.options].some((option) => option.value === region)) contact.elements.country.value = region;
