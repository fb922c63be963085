// Puts the chat button on a page and fetches the chat when it is first opened.
(() => {
  const script = document.currentScript;
  const CSS = `
    :host { --m-accent: var(--momentum-accent, #1f5b44); --m-on: var(--momentum-on-accent, #fff); }
    .launch { position: fixed; z-index: 2147482000; inset-block-end: 20px; inset-inline-end: 20px; display: flex; align-items: center;
      gap: 10px; height: 56px; padding: 0 22px 0 18px; border: 0; border-radius: 28px; background: var(--m-accent); color: var(--m-on);
      font: 600 16px/1 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; cursor: pointer;
      box-shadow: 0 2px 6px #0003, 0 10px 28px #0003; transition: transform .15s, box-shadow .15s; }
    :host([position="bottom-left"]) .launch { inset-inline: 20px auto; }
    .launch:hover { transform: translateY(-2px); }
    .launch:focus-visible { outline: 3px solid var(--m-accent); outline-offset: 3px; }
    .launch[hidden] { display: none; }
    .launch[aria-busy="true"] { opacity: .75; cursor: progress; }
    .failure { position: fixed; z-index: 2147482000; inset-block-end: 88px; inset-inline-end: 20px; max-width: 280px; margin: 0; padding: 12px 16px;
      border-radius: 12px; background: #7c2414; color: #fff; font: 15px/1.45 system-ui, sans-serif; }
    .failure:empty { display: none; }
    @media (max-width: 520px) { .launch { height: 52px; padding: 0; width: 52px; justify-content: center; inset-block-end: 16px;
      inset-inline-end: 16px; } .launch span { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); } }
    @media (prefers-reduced-motion: reduce) { .launch { transition: none; } .launch:hover { transform: none; } }
    @media print { :host { display: none; } }`;
  const BUBBLE = "M4 5.5A2.5 2.5 0 0 1 6.5 3h11A2.5 2.5 0 0 1 20 5.5v8a2.5 2.5 0 0 1-2.5 2.5H11l-4.5 4v-4A2.5 2.5 0 0 1 4 13.5z";

  class MomentumChat extends HTMLElement {
    connectedCallback() {
      if (this.shadowRoot) return;
      const root = this.attachShadow({ mode: "open" });
      const sheet = new CSSStyleSheet();
      sheet.replaceSync(CSS);
      root.adoptedStyleSheets = [sheet];
      this.button = document.createElement("button");
      this.button.type = "button";
      this.button.className = "launch";
      this.button.setAttribute("aria-haspopup", "dialog");
      this.button.append(this.#icon(), Object.assign(document.createElement("span"), { textContent: "Questions?" }));
      this.button.addEventListener("click", () => this.open());
      this.failure = document.createElement("p");
      this.failure.className = "failure";
      this.failure.setAttribute("role", "alert");
      root.append(this.button, this.failure);
      addEventListener("momentum:open-chat", (event) => this.open(event.detail?.question));
    }

    async open(question) {
      this.button.setAttribute("aria-busy", "true");
      this.failure.textContent = "";
      try {
        if (!this.panel) {
          const { ChatPanel } = await import(new URL("chat.js", script.src).href);
          this.panel ??= new ChatPanel(this);
        }
        this.panel.open(question);
      } catch {
        this.failure.textContent = "The chat could not be loaded. Check your connection and press the button again.";
      } finally {
        this.button.removeAttribute("aria-busy");
      }
    }

    #icon() {
      const NS = "http://www.w3.org/2000/svg";
      const svg = document.createElementNS(NS, "svg");
      const path = document.createElementNS(NS, "path");
      const shape = { viewBox: "0 0 24 24", width: 24, height: 24, fill: "none", stroke: "currentColor", "stroke-width": 1.9, "stroke-linejoin": "round", "aria-hidden": true };
      for (const [name, value] of Object.entries(shape)) svg.setAttribute(name, value);
      path.setAttribute("d", BUBBLE);
      svg.append(path);
      return svg;
    }
  }

  if (customElements.get("momentum-chat")) return;
  customElements.define("momentum-chat", MomentumChat);
  const place = () => {
    if (document.querySelector("momentum-chat")) return;
    const chat = document.createElement("momentum-chat");
    chat.setAttribute("position", script.dataset.position ?? "bottom-right");
    document.body.append(chat);
  };
  if (document.body) place();
  else addEventListener("DOMContentLoaded", place);
})();
