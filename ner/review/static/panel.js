// The panel beside the text: what is known of the span in focus.

import { keyOf, LOW } from "./spans.js";

const $ = (id) => document.getElementById(id);

/** A text of the page's language with its blanks filled. */
export const say = (texts, key, values = {}) =>
  Object.entries(values).reduce((text, [name, value]) => text.replaceAll(`{${name}}`, value), texts[key]);

/** What an error of `call` says. */
export const why = (texts, error) => (error.status ? error.message : texts.no_connection);

/** Show a span, or what to do where none is in focus. */
export function showPanel(texts, article, span, surface, likeIt) {
  $("hint").hidden = Boolean(span);
  $("focused").hidden = !span;
  if (!span) return;
  $("surface").textContent = surface;
  $("surface").dataset.label = span.label;
  const score = span.score === undefined ? "" : ` · ${span.score.toFixed(2)}`;
  $("verdict").textContent = texts[span.verdict] + score;
  $("verdict").dataset.verdict = span.verdict;
  for (const button of document.querySelectorAll("#focused [data-do=label]")) {
    button.setAttribute("aria-pressed", button.dataset.value === span.label);
  }
  const known = span.score !== undefined;
  $("meter").hidden = !known;
  $("meter").value = span.score ?? 0;
  $("score").textContent = known
    ? span.score.toFixed(2) + (span.score < LOW ? texts.low : "")
    : texts.by_hand;
  $("model").textContent = span.model || "—";
  $("same").hidden = likeIt === 0;
  $("same").querySelector("span").textContent = say(texts, "same", { count: likeIt });
  const rows = article.decisions.filter((each) => keyOf(each) === keyOf(span));
  $("history").textContent = rows.length ? "" : texts.nobody_decided;
  $("history").append(
    ...rows.map((each) => {
      const row = document.createElement("li");
      const time = new Date(each.at).toLocaleString(document.documentElement.lang, {
        dateStyle: "short",
        timeStyle: "short",
      });
      const apart = each.queue ? texts.independently : "";
      const who = each.reviewer + apart;
      row.textContent = `${time} ${say(texts, "said", { who, verdict: texts[each.verdict] ?? each.verdict })}`;
      if (!each.stands && (!apart || article.apart)) row.className = "taken-back";
      return row;
    }),
  );
}

/** The line over the text: where the article stood. */
export function showPlace(texts, article) {
  const parts = [
    article.paper,
    article.date,
    article.page && say(texts, "page_number", { page: article.page }),
    article.section,
    article.author,
    article.overtitle,
  ];
  $("place").textContent = parts.filter(Boolean).join(" · ");
}

/** A message over the text, with buttons; each is [text, what it does]. */
export function notice(message, buttons = []) {
  const box = $("notice");
  box.replaceChildren(document.createTextNode(message));
  for (const [text, act] of buttons) {
    const button = document.createElement("button");
    button.textContent = text;
    button.addEventListener("click", () => {
      box.hidden = true;
      act();
    });
    box.append(" ", button);
  }
  box.hidden = false;
  clearTimeout(notice.timer);
  if (buttons.length === 0) notice.timer = setTimeout(() => (box.hidden = true), 4000);
}

/** Put the four buttons for a new span under what is selected, or away. */
export function showAdder(selected) {
  const adder = $("adder");
  adder.hidden = !selected;
  if (!selected) return;
  const box = getSelection().getRangeAt(0).getBoundingClientRect();
  const left = Math.max(8, Math.min(box.left, innerWidth - adder.offsetWidth - 8));
  const below = box.bottom + 8 + adder.offsetHeight < innerHeight;
  adder.style.left = `${left}px`;
  adder.style.top = `${below ? box.bottom + 8 : Math.max(8, box.top - adder.offsetHeight - 8)}px`;
}
