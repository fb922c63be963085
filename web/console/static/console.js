// The console's frame: the menu on narrow screens, the account menu, and a word before unsaved entries are left.
const narrow = () => document.querySelector("[data-menu]");

const show = (open) => {
  document.body.classList.toggle("menu-open", open);
  narrow()?.setAttribute("aria-expanded", String(open));
  if (open) document.querySelector("#navigation a")?.focus();
};

document.addEventListener("click", (event) => {
  if (event.target.closest("[data-menu]")) show(!document.body.classList.contains("menu-open"));
  else if (event.target.closest("[data-veil]")) show(false);
  const account = document.querySelector("[data-account][open]");
  if (account && !account.contains(event.target)) account.open = false;
});

document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  if (document.body.classList.contains("menu-open")) {
    show(false);
    narrow()?.focus();
  }
  const account = document.querySelector("[data-account][open]");
  if (account) {
    account.open = false;
    account.querySelector("summary").focus();
  }
});

window.addEventListener("beforeunload", (event) => {
  if (document.querySelector('[data-unsaved="yes"]')) event.preventDefault();
});
