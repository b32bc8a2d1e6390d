// While the server works in the background: how far it is, and the page again when it is done.

import { call } from "./api.js";

const running = document.querySelector("[data-progress]");
const bar = running?.querySelector("progress");
const words = running?.querySelector("span");

async function look() {
  try {
    const { done, total, running: goesOn } = await call(running.dataset.progress);
    if (!goesOn) {
      location.reload();
      return;
    }
    bar.max = total || 1;
    bar.value = done;
    words.textContent = `${done} / ${total || "…"}`;
  } catch {
    // no connection: asked again
  }
  setTimeout(look, 700);
}

if (running) look();
