// Spans of an article with what was decided about them. Functions without side effects.

import { outsideIn } from "./segments.js";

export const keyOf = (span) => `${span.start}:${span.end}:${span.label}`;

export const LOW = 0.7; // a score under this is shown as unsure

export const crosses = (a, b) =>
  (a.start < b.start && b.start < a.end && a.end < b.end) ||
  (b.start < a.start && a.start < b.end && b.end < a.end);

const sameString = (a, b) => a.start === b.start && a.end === b.end;

export const overlaps = (a, b) => a.start < b.end && b.start < a.end;

/**
 * The spans of an article in reading order, each with its verdict: "open", "right" or "wrong".
 *
 * What a person added and then took back or rejected is gone; it stays in the history.
 */
export function spansOf(article, pending) {
  const spans = new Map();
  for (const found of article.spans) spans.set(keyOf(found), { ...found, verdict: "open" });
  const said = article.decisions.filter((each) => each.stands);
  for (const change of [...said, ...pending.flatMap((action) => action.changes)]) {
    const key = keyOf(change);
    const span = spans.get(key) ?? { start: change.start, end: change.end, label: change.label };
    spans.set(key, { ...span, verdict: change.verdict });
  }
  return [...spans.values()].filter((span) => span.model || span.verdict === "right").sort(outsideIn);
}

/** The spans that can be drawn, since none cross; of rejected ones those that nobody has put another in place of. */
export function drawn(spans) {
  const live = apart(spans.filter((span) => span.verdict !== "wrong"));
  const rejected = spans.filter(
    (span) =>
      span.verdict === "wrong" &&
      !live.some((other) => crosses(span, other) || (!other.model && overlaps(span, other)) || sameString(span, other)),
  );
  return [...live, ...rejected.filter((span) => !rejected.some((other) => crosses(span, other)))].sort(outsideIn);
}

/** Spans in reading order without those that cross an earlier one: it is still open where they begin. */
function apart(spans) {
  const live = [];
  let opened = [];
  for (const span of spans) {
    opened = opened.filter((other) => span.start < other.end);
    if (opened.some((other) => crosses(span, other))) continue;
    opened.push(span);
    live.push(span);
  }
  return live;
}

/** Changes that make a span right; open spans that it crosses become wrong, since both cannot be right. */
export function adding(span, spans, without = []) {
  const gone = new Set(without.map(keyOf));
  const changes = without.map((each) => change(each, "wrong"));
  for (const other of spans) {
    if (gone.has(keyOf(other)) || other.verdict === "wrong" || keyOf(other) === keyOf(span)) continue;
    if (crosses(span, other) && other.verdict === "right") return { crosses: other };
    if (sameString(span, other) || crosses(span, other)) changes.push(change(other, "wrong"));
  }
  changes.push(change(span, "right"));
  return { changes };
}

/** A decision on a span, as the server takes it. */
export const change = ({ start, end, label }, verdict) => ({ start, end, label, verdict });

/** Spans like one: those that cover the same string elsewhere, found or not. */
export function alike(span, spans, points) {
  const surface = points.slice(span.start, span.end);
  const length = span.end - span.start;
  if (span.verdict === "wrong") {
    return spans.filter(
      (other) =>
        keyOf(other) !== keyOf(span) &&
        other.label === span.label &&
        other.verdict !== "wrong" &&
        points.slice(other.start, other.end) === surface,
    );
  }
  const right = spans.filter((each) => each.verdict === "right");
  const known = new Set([...right, span].map(keyOf));
  return points
    .find(surface)
    .map((start) => ({ start, end: start + length, label: span.label }))
    .filter((place) => !known.has(keyOf(place)) && !right.some((each) => crosses(place, each)));
}
