// One product: its variants, its price and the way into the cart.
import { addItem } from "../widget/client.js";
import { h, money } from "../widget/dom.js";
import { inStock, shelf } from "./shelf.js";

const at = (name) => document.querySelector(`[data-${name}]`);
const form = at("buy");
let product = null;

const picked = () => product.variants.find((variant) => variant.sku === form.elements.sku?.value) ?? product.variants[0];

function draw() {
  const variant = picked();
  at("price").textContent = money(variant.price, variant.currency);
  at("picture").src = variant.imageUrl ?? product.image ?? "";
  at("stock").textContent = inStock(variant) ? "In stock" : "Sold out";
  at("stock").classList.toggle("gone", !inStock(variant));
  form.querySelector("button[type=submit]").disabled = !inStock(variant);
  if (variant.stock !== null) form.elements.quantity.max = Math.max(1, variant.stock);
}

function options() {
  const several = product.variants.length > 1;
  if (!several) return h("input", { type: "hidden", name: "sku", value: product.variants[0].sku });
  const start = product.variants.find(inStock) ?? product.variants[0];
  return h("fieldset", {}, h("legend", {}, "Choose"),
    product.variants.map((variant) =>
      h("label", { class: "option" },
        h("input", { type: "radio", name: "sku", value: variant.sku, checked: variant === start }),
        h("span", {}, variant.variant || variant.name,
          h("small", {}, inStock(variant) ? money(variant.price, variant.currency) : "Sold out")))));
}

function about() {
  const facts = product.about.filter((block) => block.kind === "li");
  return [
    ...product.about.filter((block) => block.kind === "p").map((block) => h("p", {}, block.text)),
    facts.length > 0 && h("ul", {}, facts.map((block) => h("li", {}, block.text))),
  ].filter(Boolean);
}

async function show() {
  product = (await shelf()).find((candidate) => candidate.handle === document.body.dataset.handle);
  if (!product) throw new Error("This product is not on sale. Have a look at the others.");
  document.title = `${product.title}, ${document.body.dataset.shopName}`;
  at("crumb").textContent = `/ ${product.category}`;
  at("title").textContent = product.title;
  at("options").replaceChildren(options());
  at("about").replaceChildren(...about());
  at("product").hidden = false;
  draw();
}

form.addEventListener("change", draw);
form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const button = form.querySelector("button[type=submit]");
  at("buy-trouble").textContent = "";
  button.disabled = true;
  try {
    await addItem(picked().sku, Math.max(1, Math.trunc(Number(form.elements.quantity.value)) || 1));
    dispatchEvent(new CustomEvent("momentum:open-cart"));
  } catch (error) {
    at("buy-trouble").textContent = error.message;
  } finally {
    button.disabled = false;
  }
});

show().catch((error) => {
  at("trouble").textContent = error.message;
});
