// A text cut at its spans. The same function as in ner/segments.py, which says what a segment is; a test
// compares the two.

/** Outer spans first where two start together. */
export const outsideIn = (a, b) => a.start - b.start || b.end - a.end || (a.label < b.label ? -1 : 1);

/** Cut a stretch of a text at its spans, of which no two cross: `{start, end, span, step, depth, levels}`. */
export function segments(spans, start, end) {
  const inside = spans.filter((span) => span.start < end && start < span.end).sort(outsideIn);
  const levels = levelsOf(inside);
  const found = [];
  const opened = []; // places in `inside`
  let at = start;
  const text = (stop) => {
    if (stop <= at) return;
    found.push({ start: at, end: stop, span: inside[opened.at(-1)] ?? null, step: 0, depth: opened.length, levels: 0 });
    at = stop;
  };
  const border = (step) => {
    const place = opened.at(-1);
    found.push({ start: at, end: at, span: inside[place], step, depth: opened.length, levels: levels[place] });
  };
  const close = () => {
    text(Math.min(inside[opened.at(-1)].end, end));
    border(-1);
    opened.pop();
  };
  inside.forEach((span, place) => {
    while (opened.length && inside[opened.at(-1)].end <= span.start) close();
    text(Math.max(span.start, start));
    opened.push(place);
    border(1);
  });
  while (opened.length) close();
  text(end);
  return found;
}

function levelsOf(spans) {
  const levels = spans.map(() => 0);
  const opened = [];
  const close = () => {
    const done = opened.pop();
    if (opened.length) levels[opened.at(-1)] = Math.max(levels[opened.at(-1)], levels[done] + 1);
  };
  spans.forEach((span, place) => {
    while (opened.length && spans[opened.at(-1)].end <= span.start) close();
    opened.push(place);
  });
  while (opened.length) close();
  return levels;
}
