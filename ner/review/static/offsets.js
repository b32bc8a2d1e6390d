// Offsets are Unicode code points everywhere; JavaScript's strings count UTF-16 units, so that an emoji or
// a rare ideograph is two there. Only this module and text.js know of units.

/** A text by code points. */
export class Points {
  constructor(text) {
    this.all = Array.from(text);
    this.length = this.all.length;
  }

  /** The string from one code point to another. */
  slice(start, end) {
    return this.all.slice(start, end).join("");
  }

  /** Where a string stands, without overlaps. */
  find(string) {
    const wanted = Array.from(string);
    const found = [];
    for (let at = 0; at + wanted.length <= this.length; at++) {
      if (wanted.every((point, index) => this.all[at + index] === point)) {
        found.push(at);
        at += wanted.length - 1;
      }
    }
    return found;
  }

  /** Offsets of a stretch without white space at its ends. */
  trim(start, end) {
    while (start < end && /\s/.test(this.all[start])) start++;
    while (end > start && /\s/.test(this.all[end - 1])) end--;
    return [start, end];
  }

  /** The next edge of a word from an offset, `step` +1 or -1. */
  word(offset, step) {
    this.edges ??= wordEdges(this.all.join(""));
    for (let at = offset + step; at > 0 && at < this.length; at += step) {
      if (this.edges.has(at)) return at;
    }
    return step < 0 ? 0 : this.length;
  }
}

/** Code points of a string's first units. */
export const pointsIn = (string, units) => Array.from(string.slice(0, units)).length;

/** Units of a string's first code points. */
export const unitsIn = (string, points) => Array.from(string).slice(0, points).join("").length;

function wordEdges(text) {
  const edges = new Set();
  let at = 0;
  for (const { segment } of new Intl.Segmenter("zh", { granularity: "word" }).segment(text)) {
    edges.add(at);
    at += Array.from(segment).length;
  }
  return edges.add(at);
}
