// The dialog that decides on one string in all articles of the queue, or of the store: first it says how many.

import { call, newId } from "./api.js";
import { say, why } from "./panel.js";

const $ = (id) => document.getElementById(id);

export class AlikeDialog {
  /** `onDecided(body)` is called with what `POST /api/alike` takes. */
  constructor(texts, onDecided) {
    this.texts = texts;
    this.dialog = $("alike");
    this.dialog.addEventListener("input", () => this.#preview());
    this.dialog.addEventListener("close", () => {
      if (this.dialog.returnValue === "decide") onDecided(this.#body());
    });
  }

  /** Open it with what was decided on a span; `spans` are those of its article, `queue` its number or null. */
  show({ surface, span, spans, queue }) {
    this.surface = surface;
    this.queue = queue;
    const found = spans.find((each) => each.model && each.start === span.start && each.end === span.end);
    const relabelled = span.verdict === "right" && !span.model && found?.verdict === "wrong";
    this.label = relabelled ? found.label : span.label;
    $("alike_surface").textContent = surface;
    $("alike_surface").dataset.label = this.label;
    $("alike_becomes").value = span.verdict === "wrong" ? "" : span.label;
    for (const option of $("alike_becomes").options) {
      const name = option.dataset.name;
      if (name) option.textContent = option.value === this.label ? this.texts.right : say(this.texts, "becomes", { name });
    }
    const [ofQueue] = $("alike_scope").options;
    ofQueue.hidden = ofQueue.disabled = !queue; // an article that was opened by itself is of none
    $("alike_scope").value = queue ? "queue" : "store"; // the store only where it is asked for
    this.dialog.returnValue = "";
    this.dialog.showModal();
    $("alike_decide").focus();
    this.#preview();
  }

  #body() {
    const everywhere = $("alike_scope").value === "store";
    const becomes = $("alike_becomes").value;
    return { surface: this.surface, label: this.label, becomes, queue: everywhere ? null : this.queue };
  }

  async #preview() {
    const asked = (this.asked = newId());
    const show = (text, can) => {
      if (asked !== this.asked) return;
      $("alike_reach").textContent = text;
      $("alike_decide").disabled = !can;
    };
    show(this.texts.loading, false);
    try {
      const reach = await call("/api/reach", { id: asked, ...this.#body() });
      show(say(this.texts, reach.spans ? "reach" : "reach_none", reach), reach.spans > 0);
      if (asked === this.asked) $("alike_decide").focus();
    } catch (error) {
      show(say(this.texts, "failed", { why: why(this.texts, error) }), false);
    }
  }
}
