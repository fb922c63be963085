// How the chat looks, in light and dark; a shop sets --momentum-accent and --momentum-on-accent.
import { sheet } from "./dom.js";

export const chatStyle = sheet(`
  :host { --m-paper: #fff; --m-ink: #241d18; --m-muted: #6b6058; --m-line: #e4dcd0; --m-wash: #f5f0e7; --m-bad: #9b2c17; }
  @media (prefers-color-scheme: dark) {
    :host { --m-accent: var(--momentum-accent, #7fcfa8); --m-on: var(--momentum-on-accent, #10241b); --m-paper: #221d19;
      --m-ink: #f2eade; --m-muted: #b9ad9f; --m-line: #3d352e; --m-wash: #2f2822; --m-bad: #ffab96; }
  }
  dialog { position: fixed; z-index: 2147483000; inset: auto 20px 20px auto; box-sizing: border-box; width: 400px; max-width: none;
    height: min(660px, calc(100dvh - 40px)); max-height: none; margin: 0; padding: 0; border: 1px solid var(--m-line); border-radius: 20px;
    background: var(--m-paper); color: var(--m-ink); box-shadow: 0 4px 12px #0002, 0 24px 60px #0004; overflow: hidden;
    font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; }
  dialog[open] { display: flex; flex-direction: column; animation: rise .18s ease-out; }
  :host([position="bottom-left"]) dialog { inset: auto auto 20px 20px; }
  @keyframes rise { from { opacity: 0; transform: translateY(12px); } }
  .head { display: flex; align-items: center; gap: 12px; padding: 14px 12px 14px 20px; background: var(--m-accent); color: var(--m-on); }
  .head div { flex: 1; min-width: 0; }
  h2 { margin: 0; font-size: 16px; line-height: 1.3; }
  .head p { margin: 0; font-size: 13.5px; line-height: 1.35; }
  button { font: inherit; color: inherit; cursor: pointer; }
  button.round { display: grid; place-items: center; width: 44px; height: 44px; border: 0; border-radius: 50%; background: none; }
  button.round:hover { background: #0002; }
  :focus-visible { outline: 3px solid var(--m-accent); outline-offset: 2px; }
  .head :focus-visible { outline-color: var(--m-on); outline-offset: -4px; }
  .log { flex: 1; overflow-y: auto; overscroll-behavior: contain; padding: 18px 18px 6px; }
  ol { display: flex; flex-direction: column; gap: 12px; margin: 0; padding: 0; list-style: none; }
  li { max-width: 88%; align-self: flex-start; }
  li.mine { align-self: flex-end; max-width: 82%; }
  .says { padding: 10px 14px; border-radius: 16px 16px 16px 4px; background: var(--m-wash); white-space: pre-wrap; overflow-wrap: anywhere; }
  .mine .says { border-radius: 16px 16px 4px 16px; background: var(--m-accent); color: var(--m-on); }
  .notice { max-width: none; align-self: stretch; font-size: 14px; color: var(--m-muted); text-align: center; text-wrap: pretty; }
  .notice .says { padding: 0 8px; background: none; }
  .failed .says { background: none; border: 1.5px solid var(--m-bad); color: var(--m-bad); }
  .sources { margin: 6px 4px 0; font-size: 13px; color: var(--m-muted); }
  .sources b { font-weight: 600; }
  .choices { display: flex; flex-wrap: wrap; gap: 8px; margin-top: 10px; padding: 0; list-style: none; }
  .choices button { min-height: 40px; padding: 7px 15px; border: 1.5px solid var(--m-accent); border-radius: 20px; background: var(--m-paper);
    color: var(--m-ink); font-size: 14.5px; line-height: 1.3; text-align: start; }
  .choices button:hover { background: var(--m-wash); }
  .status { min-height: 22px; margin: 6px 20px 4px; font-size: 13.5px; color: var(--m-muted); }
  .status:not(:empty)::before { content: ""; display: inline-block; width: 7px; height: 7px; margin-inline-end: 8px; border-radius: 50%;
    background: var(--m-accent); animation: pulse 1s ease-in-out infinite alternate; }
  @keyframes pulse { to { opacity: .25; } }
  form { display: flex; align-items: flex-end; gap: 8px; padding: 4px 14px 14px; }
  textarea { flex: 1; box-sizing: border-box; min-height: 48px; max-height: 130px; padding: 11px 15px; border: 1.5px solid var(--m-muted); border-radius: 24px;
    background: var(--m-paper); color: inherit; font: inherit; resize: none; field-sizing: content; }
  form button { flex: none; background: var(--m-accent) !important; color: var(--m-on); width: 48px !important; height: 48px !important; }
  form button[aria-disabled="true"] { opacity: .5; cursor: default; }
  .person { display: block; margin: 0 auto 8px; padding: 6px 12px; border: 0; background: none; color: var(--m-muted); font-size: 13.5px; text-decoration: underline;
    text-underline-offset: 3px; }
  .unseen { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
  @media (max-width: 520px) {
    dialog, :host([position="bottom-left"]) dialog { inset: 0; width: 100vw; height: 100dvh; border: 0; border-radius: 0; }
  }
  @media (prefers-reduced-motion: reduce) { dialog[open], .status::before { animation: none !important; } }
`);
