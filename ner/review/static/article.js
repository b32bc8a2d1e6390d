// The article view: one article of a queue, its spans, and the keys that decide on them.

import { AlikeDialog } from "./alike.js";
import { call, newId } from "./api.js";
import { Caret } from "./caret.js";
import { onClicks, onKeys } from "./keys.js";
import { Points } from "./offsets.js";
import { Outbox } from "./outbox.js";
import { notice, say, showAdder, showPanel, showPlace, why } from "./panel.js";
import { adding, alike, change, crosses, drawn, keyOf, overlaps, spansOf } from "./spans.js";
import { TextView } from "./text.js";

const $ = (id) => document.getElementById(id);
const texts = JSON.parse($("texts").textContent);
const settings = JSON.parse($("settings").textContent);
const labels = settings.labels.map((each) => each.label);
const chinese = document.documentElement.lang === "zh";
const chips = Object.fromEntries(
  settings.labels.map(({ label, name }) => [label, chinese ? name[0] : name.slice(0, 3).toUpperCase()]),
);
const view = new TextView($("text"), chips);
const caret = new Caret(view);
const outbox = new Outbox(settings.name, { onDone, onRefused, onState });

let article = null; // as the server gave it, with its decisions
let points = null;
let spans = []; // in reading order, with what waits in the outbox
let focused = null; // the key of the span in focus
let queue = settings.queue; // the number of the one that the next articles come from
let isDone = false; // all of the queue is read
let isMyPartDone = false; // all of a queue that two read independently, by me
let following = null; // the article after this one, fetched ahead
let asked = 0; // how often another article was asked for: only the last one is shown
let answered = 0; // how often the server said what is decided now: what was fetched before that is out of date
const finished = new Set(); // articles finished here; the server may not know yet

const waiting = () =>
  outbox.entries().map((each) => each.body).filter((body) => body.changes && body.article === article?.id);
const span = () => spans.find((each) => keyOf(each) === focused);
const open = () => spans.filter((each) => each.verdict === "open");
const surfaceOf = (each) => points.slice(each.start, each.end);

// -- showing

function draw() {
  spans = spansOf(article, waiting());
  if (!span()) focused = null;
  view.draw(drawn(spans), focused);
  const shown = span();
  const likeIt = shown ? alike(shown, spans, points).length : 0;
  showPanel(texts, article, shown, shown && surfaceOf(shown), likeIt);
  const left = open().length;
  const nothing = spans.length ? texts.none_left_here : texts.no_names_here;
  $("left").textContent = left ? say(texts, "left_here", { count: left }) : nothing;
}

function focusOn(key) {
  focused = key;
  draw();
  reveal();
}

/** Scroll to the span in focus, and say what it is. */
function reveal() {
  const shown = span();
  if (!shown) return;
  view.marks(focused)[0]?.scrollIntoView({ block: "nearest" });
  const label = settings.labels.find((each) => each.label === shown.label)?.name ?? shown.label;
  $("spoken").textContent = `${surfaceOf(shown)}，${label}，${texts[shown.verdict]}`;
}

/** Focus on the first of some places: the span there, one that covers a part of it, or the next. */
function focusNear(places) {
  if (!places.length) return;
  const keys = new Set(places.map(keyOf));
  const all = reachable();
  const found =
    all.find((each) => keys.has(keyOf(each))) ??
    all.find((each) => places.some((place) => overlaps(each, place))) ??
    all.find((each) => each.start >= places[0].end);
  if (found) focusOn(keyOf(found));
}

/** The places that the last undo was about: all decisions that are new, or of an article just loaded the last. */
function takenBack(seen) {
  const all = article?.decisions ?? [];
  return all.filter((each, index) => each.verdict === "undone" && (seen ? each.number > seen : index === all.length - 1));
}

/** The spans that keys reach: those that can be seen. */
const reachable = () => drawn(spans);

function move(step) {
  const all = reachable();
  if (!all.length) return;
  const at = all.findIndex((each) => keyOf(each) === focused);
  const next = at < 0 ? (step > 0 ? 0 : all.length - 1) : (at + step + all.length) % all.length;
  focusOn(keyOf(all[next]));
}

function moveByParagraph(step) {
  const at = span()?.start ?? 0;
  const here = view.paragraphs.findIndex((each) => each.start <= at && at < each.end);
  for (let i = here + step; view.paragraphs[i]; i += step) {
    const { start, end } = view.paragraphs[i];
    const first = reachable().find((each) => start <= each.start && each.start < end);
    if (first) return focusOn(keyOf(first));
  }
}

/** The next open span after the one in focus, or before it where there is none. */
function toNextOpen() {
  const at = span();
  const left = open();
  const after = left.find((each) => !at || each.start > at.start || (each.start === at.start && each.end < at.end));
  const next = after ?? left[0];
  if (next) focusOn(keyOf(next));
  else draw();
}

// -- deciding

function act(changes, { finish = false } = {}) {
  if (!settings.canDecide || !article) return;
  const id = newId();
  const { text_hash, seen } = article;
  const model = article.spans[0]?.model ?? "";
  outbox.add("/api/act", { id, article: article.id, text_hash, seen, changes, finish, model, queue: article.queue });
  draw();
}

function decide(verdict) {
  const shown = span();
  if (!shown) return;
  if (verdict === "wrong") act([change(shown, "wrong")]);
  else if (!put(shown, [])) return;
  toNextOpen();
}

/** Make a span right, in place of others, and put it in focus; false where it cannot be. */
function put(wanted, without) {
  if (!view.together(wanted.start, wanted.end)) return notice(texts.one_paragraph);
  const { changes, crosses: blocked } = adding(wanted, spans, without);
  if (blocked) return notice(say(texts, "crosses", { surface: surfaceOf(blocked) }));
  const crossed = changes.filter((each) => crosses(wanted, each)).map(surfaceOf);
  if (crossed.length) notice(say(texts, "crossed", { surfaces: crossed.join("」「") }));
  focused = keyOf(wanted);
  act(changes);
  return true;
}

function label(wanted) {
  const selected = view.selected();
  if (selected) {
    const before = spans.filter((each) => each.start === selected.start && each.end === selected.end);
    if (put({ ...selected, label: wanted }, before.filter((each) => each.label !== wanted && each.verdict !== "wrong"))) {
      caret.stop();
      getSelection().removeAllRanges();
      reveal();
    }
    return;
  }
  const shown = span();
  if (!shown) return;
  const without = shown.label === wanted || shown.verdict === "wrong" ? [] : [shown];
  if (put({ ...shown, label: wanted }, without)) reveal();
}

/** Move a boundary of the span in focus; `side` is "start" or "end", `step` -1 or +1. */
function moveBoundary(side, step, byWord) {
  const shown = span();
  if (!shown) return;
  const place = byWord ? points.word(shown[side], step) : shown[side] + step;
  const moved = { start: shown.start, end: shown.end, label: shown.label, [side]: place };
  if (moved.start < 0 || moved.end > points.length || moved.start >= moved.end) return;
  if (put(moved, shown.verdict === "wrong" ? [] : [shown])) reveal();
}

function same() {
  const shown = span();
  if (!shown) return;
  const others = alike(shown, spans, points);
  if (shown.verdict === "wrong") return act(others.map((each) => change(each, "wrong")));
  const changes = new Map([[keyOf(shown), change(shown, "right")]]);
  for (const each of others) {
    for (const one of adding(each, spans).changes ?? []) changes.set(keyOf(one), one);
  }
  act([...changes.values()]);
}

/** Ask what to do with the string in focus in all articles. */
async function everywhere() {
  const shown = span();
  if (!shown || article.apart || !settings.canDecide) return;
  await outbox.flush(); // what was just decided here is not counted again
  alikeDialog.show({ surface: surfaceOf(shown), span: shown, spans, queue: article.queue });
}

const alikeDialog = new AlikeDialog(texts, (body) => outbox.add("/api/alike", { id: newId(), ...body }));

function finish() {
  if (!article) return;
  const left = open();
  const changes = left.map((each) => change(each, "right"));
  finished.add(article.id);
  act(changes, { finish: true });
  toNext();
}

async function undo() {
  const back = outbox.takeBack();
  if (back) {
    const where = back.body.article ?? article?.id;
    finished.delete(where);
    if (where === article?.id) draw();
    else await load(where, back.body.queue);
    focusNear(back.body.changes ?? []);
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
    finished.delete(state.article);
    const many = state.articles > 1;
    const said = many ? say(texts, "undid_many", { count: state.articles }) : texts.undid;
    if (state.queue) queue = state.queue;
    const id = (many && article?.id) || state.article;
    const before = id === article?.id ? article.seen : 0;
    load(id, state.queue ?? (id === article?.id ? article.queue : null)).then(() => {
      focusNear(takenBack(before));
      notice(said);
    });
  } else if (entry.path === "/api/alike") {
    const said = say(texts, "alike_done", state);
    if (article) load(article.id, article.queue).then(() => notice(said));
    else notice(said);
  } else {
    answered++;
    if (entry.body.article !== article?.id) return;
    Object.assign(article, state);
    draw();
  }
}

function onRefused(entry, error) {
  if (error.status !== 409) {
    notice(say(texts, "refused", { why: error.message }));
    if (article) draw();
    return;
  }
  answered++;
  showConflict(entry.body, error.body);
}

/** Show that somebody else decided otherwise, in the article that it is about. */
async function showConflict(mine, state) {
  if (mine.article === article?.id) {
    Object.assign(article, state);
    draw();
  } else {
    // Where another article was asked for meanwhile, again: what was refused must be seen.
    for (let tries = 0; tries < 3 && mine.article !== article?.id; tries++) await load(mine.article, mine.queue);
    if (mine.article !== article?.id) return;
  }
  const [theirs] = state.conflict;
  const values = { name: theirs.reviewer, surface: surfaceOf(theirs), verdict: texts[theirs.verdict] };
  notice(say(texts, "conflict", values), [
    [texts.keep_theirs, () => {}],
    [texts.keep_mine, () => act(mine.changes, { finish: mine.finish })],
  ]);
}

function onState(state, count) {
  $("saved").textContent = say(texts, state, { count });
  $("saved").dataset.state = state;
}

// -- articles

/** An article as the server gives it, with the queue that it was taken from, or null. */
async function fetchArticle(id, from) {
  const found = await call(`/api/article?${new URLSearchParams(from ? { id, queue: from } : { id })}`);
  return { ...found, queue: from ?? null };
}

/** Show an article, unless another is asked for before it is here. */
async function load(id, from) {
  const mine = ++asked;
  let before, found;
  try {
    do {
      before = answered;
      found = await fetchArticle(id, from);
    } while (before !== answered);
    if (mine === asked) show(found);
  } catch (error) {
    if (article) notice(why(texts, error));
    else showInstead(why(texts, error));
  }
}

/** Show an article; the one that is shown already stays where the reader is. */
function show(found) {
  const isShown = found.id === article?.id && found.text_hash === article.text_hash;
  article = found;
  remember();
  if (!isShown) {
    points = new Points(article.text);
    view.open(points, article.body_start);
    focused = null;
    document.title = `${article.title || points.slice(0, 20)} · ${texts.product}`;
    showPlace(texts, article);
    scrollTo(0, 0);
  }
  $("everywhere").hidden = article.apart;
  draw();
  if (!focused) toNextOpen();
  const names = [...new Set(article.reviews.map((each) => each.reviewer))].join("、");
  if (names) notice(say(texts, "reviewed_by", { names }));
  else if (article.holder && article.holder !== settings.name) {
    notice(say(texts, "held_by", { name: article.holder }));
  }
  following = settings.canDecide ? fetchAhead(article.id) : null;
}

/** Have the address name the article, so that the browser's Back leads to the one before. */
function remember() {
  const address = new URL(location);
  const named = namedIn(address);
  address.searchParams.set("id", article.id);
  if (article.queue) address.searchParams.set("queue", article.queue);
  else address.searchParams.delete("queue");
  if (!named.id) history.replaceState(null, "", address);
  else if (named.id !== article.id || named.queue !== article.queue) history.pushState(null, "", address);
}

const namedIn = ({ searchParams }) => ({ id: searchParams.get("id"), queue: Number(searchParams.get("queue")) || null });

addEventListener("popstate", () => {
  const { id, queue: from } = namedIn(new URL(location));
  if (id) load(id, from);
});

async function fetchAhead(after) {
  await outbox.flush(); // or the server would give what was just finished
  try {
    const next = await call("/api/next", { queue, after });
    queue = next.queue.number;
    isDone = next.queue.reviewed >= next.queue.size;
    isMyPartDone = next.queue.readers > 1 && next.mine >= next.queue.size;
    showQueue(next.queue, next.mine);
    if (!next.id || finished.has(next.id)) return null;
    return await fetchArticle(next.id, queue);
  } catch (error) {
    return { error };
  }
}

function showQueue(found, mine) {
  $("queue").textContent = found.name;
  const counts = { done: found.reviewed, size: found.size, mine };
  $("progress").textContent = say(texts, found.readers > 1 ? "progress_apart" : "progress", counts);
}

async function toNext() {
  const mine = ++asked;
  const before = article?.id ?? "";
  let next = await (following ?? fetchAhead(before));
  if (!next || next.error) next = await fetchAhead(before);
  if (mine !== asked) return;
  const links = [["/queues", texts.see_queues]];
  if (next?.error && article) return notice(why(texts, next.error));
  if (next?.error) {
    const known = { 404: texts.no_such_queue, 422: texts.nothing_tagged }[next.error.status];
    return showInstead(known ?? why(texts, next.error), links);
  }
  if (next) return show(next);
  if (isDone) links.push([`/figures?queue=${queue}`, texts.see_figures]);
  showInstead(isDone ? texts.done : isMyPartDone ? texts.my_part_done : texts.other_hands, links);
}

/** In place of an article: why there is none, and links, each [address, text]. */
function showInstead(text, links = []) {
  const message = document.createElement("p");
  message.className = "end";
  message.append(text);
  for (const [address, shown] of links) {
    const link = document.createElement("a");
    link.href = address;
    link.textContent = shown;
    message.append(" ", link);
  }
  $("place").textContent = "";
  $("text").replaceChildren(message);
  article = null;
  spans = [];
  focused = null;
  showPanel(texts, article, null);
  $("left").textContent = "";
}

// -- keys, mouse, touch

const doing = {
  accept: () => decide("right"),
  reject: () => decide("wrong"),
  label: (button) => label(button.dataset.value),
  start_out: () => moveBoundary("start", -1),
  start_in: () => moveBoundary("start", 1),
  end_in: () => moveBoundary("end", -1),
  end_out: () => moveBoundary("end", 1),
  same,
  everywhere,
  undo,
  next: toNext,
  finish,
  help: () => $("help").showModal(),
};

const keys = {
  a: doing.accept,
  x: doing.reject,
  s: same,
  S: everywhere,
  u: undo,
  n: toNext,
  A: finish,
  "?": doing.help,
  "？": doing.help,
  i: () => {
    caret.start(span()?.end ?? article.body_start);
    notice(texts.caret);
  },
  ArrowLeft: () => move(-1),
  ArrowRight: () => move(1),
  ArrowUp: () => moveByParagraph(-1),
  ArrowDown: () => moveByParagraph(1),
  Escape: () => {
    caret.stop();
    focusOn(null);
  },
};
labels.forEach((each, index) => (keys[index + 1] = () => label(each)));
const moving = Object.fromEntries(Object.entries(keys).filter(([key]) => key.length > 1));
onKeys({ ...(settings.canDecide ? { keys, moveBoundary } : { keys: moving, moveBoundary() {} }), caret, isIdle: () => !article });
onClicks(doing, onMark, onTouch);

function onMark(mark) {
  // A second click on the same place reaches the span around it.
  const outer = mark.parentElement.closest("#text mark");
  focusOn(mark.dataset.key === focused && outer ? outer.dataset.key : mark.dataset.key);
}

/** A finger on text outside marks begins to select; then the last character is tapped, wherever it is. */
function onTouch(event, mark) {
  if (!article || !settings.canDecide || (mark && !caret.on)) return false;
  const offset = view.at(event.clientX, event.clientY);
  if (offset === null) return false;
  caret.tap(offset);
  if (caret.on) notice(texts.touch);
  return true;
}

// Pressing a button must not take the selection away that it is about.
$("adder").addEventListener("pointerdown", (event) => event.preventDefault());
document.addEventListener("selectionchange", () => {
  showAdder(settings.canDecide && article && view.selected());
});

/** The article as it is now: a colleague, or another tab, may have decided. */
async function refresh() {
  if (document.visibilityState !== "visible" || !article || outbox.entries().length) return;
  const before = answered;
  const fresh = await fetchArticle(article.id, article.queue).catch(() => null);
  if (fresh && before === answered && fresh.id === article?.id && fresh.text_hash === article.text_hash) {
    article = fresh;
    draw();
  }
}
addEventListener("visibilitychange", refresh);
// Another tab has sent what was decided in it, or here.
addEventListener("storage", (event) => event.newValue === null && event.key?.startsWith(outbox.prefix) && refresh());

// -- the beginning

if (settings.canDecide && !localStorage.getItem("ner knows keys")) {
  const hint = matchMedia("(hover: none)").matches ? texts.first_time_touch : texts.first_time;
  notice(hint, [[texts.got_it, () => localStorage.setItem("ner knows keys", "1")]]);
}
onState("saved", 0);
outbox.flush();
if (settings.id) await load(settings.id, settings.queue);
else if (settings.canDecide) await toNext();
else showInstead(texts.only_read, [["/names", texts.names], ["/register", texts.register]]);
