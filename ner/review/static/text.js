// The text with its spans as nested marks, and from what is selected in it back to offsets.

import { pointsIn, unitsIn } from "./offsets.js";
import { segments } from "./segments.js";
import { keyOf, LOW } from "./spans.js";

const starts = new WeakMap(); // text node → the code point that it begins at

/** Draws an article's paragraphs; one that has not changed stays as it is. */
export class TextView {
  constructor(element, chips) {
    this.element = element;
    this.chips = chips; // label → its short name
  }

  /** Lay out the paragraphs of a text, without spans yet. */
  open(points, bodyStart) {
    this.points = points;
    this.paragraphs = [];
    this.element.replaceChildren();
    let start = 0;
    for (let at = 0; at <= points.length; at++) {
      if (at < points.length && points.all[at] !== "\n") continue;
      if (at > start) {
        const element = document.createElement(at < bodyStart ? "h1" : "p");
        this.paragraphs.push({ start, end: at, element, drawn: null });
        this.element.append(element);
      }
      start = at + 1;
    }
  }

  /** Draw spans in reading order; no two may cross. `focused` is the key of the one in focus. */
  draw(spans, focused) {
    const inside = this.paragraphs.map(() => []);
    let at = 0;
    for (const span of spans) {
      while (at < inside.length && this.paragraphs[at].end <= span.start) at++;
      for (let i = at; i < inside.length && this.paragraphs[i].start < span.end; i++) inside[i].push(span);
    }
    this.paragraphs.forEach((paragraph, index) => {
      const here = inside[index];
      const drawn = JSON.stringify(here);
      if (drawn === paragraph.drawn) return;
      const keys = here.map(keyOf).join();
      if (keys === paragraph.keys) this.#dressAll(paragraph, here);
      else this.#fill(paragraph, here);
      Object.assign(paragraph, { drawn, keys });
    });
    for (const mark of this.element.querySelectorAll("mark.focused")) mark.classList.remove("focused");
    for (const mark of this.marks(focused)) mark.classList.add("focused");
  }

  /** The elements of a span. */
  marks(key) {
    return key ? [...this.element.querySelectorAll(`mark[data-key="${CSS.escape(key)}"]`)] : [];
  }

  #fill({ start, end, element }, spans) {
    element.replaceChildren();
    const open = [element];
    for (const segment of segments(spans, start, end)) {
      if (segment.step > 0) {
        const mark = this.#mark(segment.span);
        mark.dataset.levels = Math.min(segment.levels, 4);
        open.at(-1).append(mark);
        open.push(mark);
      } else if (segment.step < 0) {
        open.pop();
      } else {
        const node = document.createTextNode(this.points.slice(segment.start, segment.end));
        starts.set(node, segment.start);
        open.at(-1).append(node);
      }
    }
  }

  /** The same spans, with other verdicts: the text stays as it is. */
  #dressAll({ element }, spans) {
    const found = new Map(spans.map((span) => [keyOf(span), span]));
    for (const mark of element.querySelectorAll("mark")) this.#dress(mark, found.get(mark.dataset.key));
  }

  #mark(span) {
    const mark = document.createElement("mark");
    mark.dataset.key = keyOf(span);
    mark.dataset.label = span.label;
    this.#dress(mark, span);
    return mark;
  }

  #dress(mark, span) {
    const low = span.verdict === "open" && span.score < LOW;
    mark.dataset.verdict = span.verdict;
    mark.toggleAttribute("data-low", low);
    mark.toggleAttribute("data-agreed", Boolean(span.agreed));
    const sign = { right: "✓", wrong: "✗", open: low ? "?" : "", none: "—" }[span.verdict];
    const chip = span.verdict === "none" ? "" : (this.chips[span.label] ?? span.label);
    mark.dataset.chip = `${chip}${sign}`;
  }

  /** Offsets of what is selected in the text, or null. */
  selected() {
    const selection = getSelection();
    if (!selection.rangeCount || selection.isCollapsed) return null;
    const range = selection.getRangeAt(0);
    const start = this.#offset(range.startContainer, range.startOffset);
    const end = this.#offset(range.endContainer, range.endOffset);
    if (start === null || end === null) return null;
    const [from, to] = this.points.trim(start, end);
    return from < to ? { start: from, end: to } : null;
  }

  /** The offset of the character at a place of the window, or null. */
  at(x, y) {
    const found = document.caretPositionFromPoint?.(x, y) ?? document.caretRangeFromPoint?.(x, y);
    const [node, units] = found ? [found.offsetNode ?? found.startContainer, found.offset ?? found.startOffset] : [];
    if (node?.nodeType !== Node.TEXT_NODE || !this.element.contains(node)) return null;
    // That is between two characters, and the one before it may be the one.
    const before = Array.from(node.data.slice(0, units)).at(-1);
    if (before) {
      const range = document.createRange();
      range.setStart(node, units - before.length);
      range.setEnd(node, units);
      const hit = [...range.getClientRects()].some((box) => box.left <= x && x < box.right && box.top <= y && y < box.bottom);
      if (hit) return this.#offset(node, units) - 1;
    }
    return this.#offset(node, units);
  }

  /** Select a stretch of the text. */
  select(start, end) {
    const [from, to] = [this.#place(start, false), this.#place(end, true)];
    if (from && to) getSelection().setBaseAndExtent(...from, ...to);
  }

  /** True where both offsets lie in one paragraph. */
  together(start, end) {
    return this.paragraphs.some((each) => each.start <= start && end <= each.end);
  }

  #offset(node, offset) {
    if (!this.element.contains(node)) return null;
    if (node.nodeType === Node.TEXT_NODE) return starts.get(node) + pointsIn(node.data, offset);
    // Between elements: the first text after that place, or the end of the last text before it.
    const walker = document.createTreeWalker(this.element, NodeFilter.SHOW_TEXT);
    const range = document.createRange();
    range.setStart(node, offset);
    let last = null;
    while (walker.nextNode()) {
      if (range.comparePoint(walker.currentNode, 0) >= 0) return starts.get(walker.currentNode);
      last = walker.currentNode;
    }
    return last ? starts.get(last) + Array.from(last.data).length : null;
  }

  #place(offset, atEnd) {
    const walker = document.createTreeWalker(this.element, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
      const node = walker.currentNode;
      const start = starts.get(node);
      const end = start + Array.from(node.data).length;
      if (atEnd ? start < offset && offset <= end : start <= offset && offset < end) {
        return [node, unitsIn(node.data, offset - start)];
      }
    }
    return null;
  }
}
