// Where two people read an article independently: both versions side by side, and the keys that decide.

import { call, newId } from "./api.js";
import { onClicks, onKeys } from "./keys.js";
import { Points } from "./offsets.js";
import { Outbox } from "./outbox.js";
import { notice, say, showPlace, why } from "./panel.js";
import { adding, change, crosses, keyOf } from "./spans.js";
import { TextView } from "./text.js";

const $ = (id) => document.getElementById(id);
const texts = JSON.parse($("texts").textContent);
const settings = JSON.parse($("settings").textContent);
const chinese = document.documentElement.lang === "zh";
const chips = Object.fromEntries(
  settings.labels.map(({ label, name }) => [label, chinese ? name[0] : name.slice(0, 3).toUpperCase()]),
);
const nameOf = (label) => settings.labels.find((each) => each.label === label)?.name ?? label;
const SIDES = ["first", "second"];
const views = SIDES.map((side) => new TextView($(side), chips));
const outbox = new Outbox(settings.name, { onDone, onRefused, onState });
const { queue } = settings;

let article = null; // with both versions, and what was decided on their differences
let points = null;
let differences = []; // each with `spans`, one a version or null, and `verdicts` of those
let focused = 0;
let loading = ""; // the last load

// -- showing

/** What was decided last on each span, with what waits in the outbox: key → verdict. */
function verdicts() {
  const said = article.decisions.filter((each) => each.stands);
  const waiting = outbox.entries().map((each) => each.body).filter((body) => body.article === article.id);
  const all = [...said, ...waiting.flatMap((body) => body.changes ?? [])];
  return new Map(all.map((each) => [keyOf(each), each.verdict]));
}

const isOpen = ({ spans }, last) => spans.some((span) => span && !last.has(keyOf(span)));

function draw() {
  const last = verdicts();
  const differing = new Set(differences.flatMap(({ spans }) => spans.filter(Boolean).map(keyOf)));
  views.forEach((view, side) => {
    const own = article.versions[side].spans.map((span) => {
      const key = keyOf(span);
      return differing.has(key)
        ? { ...span, verdict: last.get(key) ?? "open" }
        : { ...span, verdict: "open", agreed: true };
    });
    // Where only the other reader marked a name, an empty frame shows the place.
    for (const { spans } of differences) {
      const other = spans[1 - side];
      if (!spans[side] && !own.some((each) => crosses(each, other))) own.push({ ...other, verdict: "none" });
    }
    const { spans } = differences[focused] ?? { spans: [] };
    const shown = spans[side] ?? spans[1 - side];
    view.draw(own, shown ? keyOf(shown) : null);
  });
  showChoice(last);
  const left = differences.filter((each) => isOpen(each, last)).length;
  $("left").textContent = left ? say(texts, "settle_left", { count: left }) : texts.settle_ready;
}

function showChoice(last) {
  const difference = differences[focused];
  $("choice").hidden = !difference;
  if (!difference) return;
  $("which").textContent = say(texts, "difference_of", { number: focused + 1, count: differences.length });
  SIDES.forEach((side, index) => {
    const span = difference.spans[index];
    const marked = span ? `${points.slice(span.start, span.end)} · ${nameOf(span.label)}` : texts.nothing_marked;
    const button = document.querySelector(`[data-do=${side}]`);
    button.querySelector("span").textContent = `${article.versions[index].name}：${marked}`;
    button.dataset.label = span?.label ?? "";
    button.setAttribute("aria-pressed", String(!isOpen(difference, last) && isTaken(difference, index, last)));
  });
  const none = document.querySelector("[data-do=neither]");
  none.hidden = difference.spans.some((span) => !span); // that is what the other side says
  const neither = difference.spans.every((span) => span && last.get(keyOf(span)) === "wrong");
  none.setAttribute("aria-pressed", String(neither));
}

/** True where the decision is what one of the readers said. */
const isTaken = ({ spans }, side, last) =>
  spans.every((span, index) => !span || last.get(keyOf(span)) === (index === side ? "right" : "wrong"));

function focusOn(index) {
  focused = index;
  draw();
  const difference = differences[index];
  if (!difference) return;
  const mark = $("text").querySelector("mark.focused");
  mark?.scrollIntoView({ block: "center" });
  $("spoken").textContent = SIDES.map((side) => document.querySelector(`[data-do=${side}] span`).textContent).join("；");
}

/** Focus the difference that one of the spans belongs to: what was taken back is decided anew. */
function focusOnSpans(changed) {
  const keys = new Set(changed.map(keyOf));
  const at = differences.findIndex(({ spans }) => spans.some((span) => span && keys.has(keyOf(span))));
  focusOn(at >= 0 ? at : focused);
}

const move = (step) => {
  if (differences.length) focusOn((focused + step + differences.length) % differences.length);
};

// -- deciding

function take(side) {
  const difference = differences[focused];
  if (!difference || !settings.canDecide) return;
  const last = verdicts();
  const wanted = difference.spans[side];
  const others = differences
    .flatMap(({ spans }) => spans)
    .filter((span) => span && !difference.spans.includes(span) && last.get(keyOf(span)) === "right");
  const blocked = wanted && adding(wanted, others.map((span) => ({ ...span, verdict: "right" }))).crosses;
  if (blocked) return notice(say(texts, "crosses", { surface: points.slice(blocked.start, blocked.end) }));
  const changes = difference.spans
    .map((span, index) => span && change(span, index === side ? "right" : "wrong"))
    .filter(Boolean);
  const { id, text_hash, seen } = article;
  outbox.add("/api/act", { id: newId(), article: id, text_hash, seen, changes });
  const now = verdicts();
  const after = differences.findIndex((each, index) => index > focused && isOpen(each, now));
  const next = after >= 0 ? after : differences.findIndex((each) => isOpen(each, now));
  focusOn(next >= 0 ? next : focused);
}

function finish() {
  if (!settings.canDecide || !article) return;
  const left = differences.filter((each) => isOpen(each, verdicts())).length;
  if (left) return notice(say(texts, "settle_left", { count: left }));
  outbox.add("/api/settle", { id: newId(), article: article.id, text_hash: article.text_hash, queue });
  toNext();
}

async function undo() {
  const back = outbox.takeBack();
  if (back) {
    if (back.body.article === article?.id) focusOnSpans(back.body.changes ?? []);
    else await load(back.body.article);
    notice(texts.undid);
    return;
  }
  if (outbox.state === "offline") return notice(texts.undo_offline);
  outbox.add("/api/undo", { id: newId() });
}

// -- what the server answers

function onDone(entry, state) {
  if (entry.path === "/api/undo") {
    if (!state) return notice(texts.nothing_to_undo);
    load(state.article).then(() => notice(texts.undid));
  } else if (entry.path === "/api/act" && entry.body.article === article?.id) {
    Object.assign(article, state);
    draw();
  }
}

function onRefused(entry, error) {
  if (error.status === 409) {
    const [theirs] = error.body.conflict;
    const surface = points?.slice(theirs.start, theirs.end) ?? "";
    notice(say(texts, "conflict", { name: theirs.reviewer, surface, verdict: texts[theirs.verdict] }));
  } else {
    notice(say(texts, "refused", { why: error.message }));
  }
  load(entry.body.article, { keep: true });
}

function onState(state, count) {
  $("saved").textContent = say(texts, state, { count });
  $("saved").dataset.state = state;
}

// -- articles

/** Show an article; one that is not read by two in this queue is shown in the article view. */
async function load(id, { keep = false } = {}) {
  const asked = (loading = newId());
  try {
    const found = await call(`/api/versions?${new URLSearchParams({ id, queue })}`);
    // What was asked for before another load, or before the last decision here was stored, is out of date.
    if (asked !== loading || (found.id === article?.id && found.seen < article.seen)) return;
    const before = keep ? focused : null;
    show(found);
    if (before !== null) focusOn(Math.min(before, differences.length - 1));
  } catch (error) {
    if (error.status === 404) location.assign(`/?${new URLSearchParams({ id, queue })}`);
    else notice(why(texts, error));
  }
}

function show(found) {
  article = found;
  differences = found.differences;
  points = new Points(found.text);
  $("end").hidden = true;
  views.forEach((view, side) => {
    view.open(points, article.body_start);
    view.paragraphs.forEach(({ start, end, element }, index) => {
      const split = differences.some(({ spans }) => spans.some((each) => each && start <= each.start && each.start < end));
      element.style.order = 2 * index + side;
      element.hidden = !split && side === 1;
      element.classList.toggle("split", split);
      if (split) element.dataset.name = article.versions[side].name;
    });
  });
  history.replaceState(null, "", `/settle?${new URLSearchParams({ queue, id: article.id })}`);
  document.title = `${article.title || points.slice(0, 20)} · ${texts.settle}`;
  $("in_review").href = `/?${new URLSearchParams({ id: article.id })}`;
  showPlace(texts, article);
  scrollTo(0, 0);
  const open = differences.findIndex((each) => isOpen(each, verdicts()));
  focusOn(Math.max(open, 0));
  if (!differences.length) notice(texts.no_difference);
}

async function toNext() {
  await outbox.flush(); // or the server would give what was just settled
  try {
    const next = await call("/api/next", { queue, after: article?.id ?? "", disputed: true });
    $("queue").textContent = next.queue.name;
    $("progress").textContent = say(texts, "settle_count", { count: next.queue.disputed });
    if (next.id) await load(next.id);
    else if (next.queue.disputed === 0 || !article) showEnd();
  } catch (error) {
    notice(why(texts, error));
  }
}

function showEnd() {
  const link = document.createElement("a");
  link.href = "/queues";
  link.textContent = texts.see_queues;
  $("end").replaceChildren(`${texts.settle_end} `, link);
  $("end").hidden = false;
  for (const side of SIDES) $(side).replaceChildren();
  $("place").textContent = "";
  $("left").textContent = "";
  $("choice").hidden = true;
  article = null;
  differences = [];
}

// -- keys, mouse, touch

const doing = {
  first: () => take(0),
  second: () => take(1),
  neither: () => differences[focused]?.spans.every(Boolean) && take(-1),
  undo,
  next: toNext,
  finish,
  help: () => $("help").showModal(),
};
const keys = {
  1: doing.first,
  2: doing.second,
  x: doing.neither,
  u: undo,
  n: toNext,
  A: finish,
  "?": doing.help,
  "？": doing.help,
  ArrowLeft: () => move(-1),
  ArrowUp: () => move(-1),
  ArrowRight: () => move(1),
  ArrowDown: () => move(1),
};
onKeys({ keys, caret: { on: false }, moveBoundary: () => {}, isIdle: () => !article });
onClicks(doing, (mark) => {
  for (let each = mark; each; each = each.parentElement.closest("#text mark")) {
    const { key } = each.dataset;
    const at = differences.findIndex(({ spans }) => spans.some((span) => span && keyOf(span) === key));
    if (at >= 0) return focusOn(at);
  }
});

// -- the beginning

if (!localStorage.getItem("ner knows settling")) {
  const hint = matchMedia("(hover: none)").matches ? texts.settle_first_touch : texts.settle_first;
  notice(hint, [[texts.got_it, () => localStorage.setItem("ner knows settling", "1")]]);
}
onState("saved", 0);
outbox.flush();
if (settings.id) {
  await load(settings.id);
  call("/api/queues").then((all) => {
    const found = all.find((each) => each.number === queue);
    if (!found) return;
    $("queue").textContent = found.name;
    $("progress").textContent = say(texts, "settle_count", { count: found.disputed });
  });
} else {
  await toNext();
}
