// While another model tags: how far it is, and the page again when it is done.

import { call } from "./api.js";

const running = document.querySelector("#running");
const bar = running?.querySelector("progress");
const words = running?.querySelector("span");

async function look() {
  try {
    const { done, total, running: goesOn } = await call("/api/compare");
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
