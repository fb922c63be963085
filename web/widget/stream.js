// Reads one chat answer as server-sent events, and takes it up again where a dropped connection left it.
import { ApiError, asCart } from "./client.js";

const TRIES = 4;
const wait = (ms) => new Promise((done) => setTimeout(done, ms));

async function* parse(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    const blocks = (rest + value).replaceAll("\r\n", "\n").split("\n\n");
    rest = blocks.pop();
    for (const block of blocks) {
      const event = { name: "message", id: "", data: "" };
      for (const line of block.split("\n")) {
        const [field, text] = line.split(/: ?(.*)/s);
        if (field === "event") event.name = text;
        if (field === "id") event.id = text;
        if (field === "data") event.data += text;
      }
      if (event.data) yield { ...event, data: JSON.parse(event.data) };
    }
  }
}

/** Events of one answer up to `message.done`. The same key and the last event's id make a repeat safe. */
export async function* answer(sessionId, content, key) {
  let lastId = "";
  let failed = 0;
  while (failed < TRIES) {
    let lost = new ApiError("The connection was lost. Please try again.");
    try {
      const headers = { accept: "text/event-stream", ...(lastId && { "last-event-id": lastId }) };
      const response = await asCart("POST", `/cs/sessions/${sessionId}/messages`, { body: { content }, key, headers });
      if (!response.headers.get("content-type")?.includes("event-stream")) {
        yield { name: "message.done", data: await response.json() };
        return;
      }
      for await (const event of parse(response.body)) {
        lastId = event.id || lastId;
        failed = 0;
        yield event;
        if (event.name === "message.done" || event.name === "error") return;
      }
    } catch (error) {
      // A busy conversation, a busy server and a lost connection are worth another try; a refusal is not.
      if (error instanceof ApiError && error.status > 0 && error.status < 500 && error.status !== 409) throw error;
      if (error instanceof ApiError) lost = error;
    }
    if (++failed === TRIES) throw lost;
    await wait(Math.max(1000 * (lost.retryAfter ?? 0), 300 * 2 ** failed));
  }
}
