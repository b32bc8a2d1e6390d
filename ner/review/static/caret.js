// Selecting text by keyboard: a cursor of one character that arrows move, and Shift extends. By touch: the
// first and the last character are tapped.

export class Caret {
  constructor(view) {
    this.view = view;
    this.on = false;
  }

  start(offset) {
    this.on = true;
    this.anchor = this.place = Math.min(offset, this.view.points.length - 1);
    this.#show();
  }

  stop() {
    this.on = false;
    getSelection().removeAllRanges();
  }

  /** Begin at a character that a finger tapped, or reach to it; the same tapped again ends it. */
  tap(offset) {
    if (!this.on) return this.start(offset);
    if (this.anchor === offset && this.place === offset) return this.stop();
    this.place = offset;
    this.#show();
  }

  /** Move by a key; true where it was one that moves. */
  press(event) {
    const { points } = this.view;
    const byWord = event.ctrlKey || event.altKey;
    const steps = {
      ArrowLeft: () => (byWord ? points.word(this.place, -1) : this.place - 1),
      ArrowRight: () => (byWord ? points.word(this.place, 1) : this.place + 1),
      ArrowUp: () => this.#line("backward"),
      ArrowDown: () => this.#line("forward"),
      Home: () => this.#paragraph().start,
      End: () => this.#paragraph().end - 1,
    };
    const step = steps[event.key];
    if (!step) return false;
    const forward = this.place;
    this.place = Math.max(0, Math.min(points.length - 1, step()));
    while (points.all[this.place] === "\n" && this.place > 0 && this.place < points.length - 1) {
      this.place += this.place >= forward ? 1 : -1;
    }
    if (!event.shiftKey) this.anchor = this.place;
    this.#show();
    return true;
  }

  #show() {
    this.view.select(Math.min(this.anchor, this.place), Math.max(this.anchor, this.place) + 1);
    const { focusNode } = getSelection();
    focusNode?.parentElement?.scrollIntoView({ block: "nearest" });
  }

  #paragraph() {
    return this.view.paragraphs.find((each) => each.start <= this.place && this.place < each.end);
  }

  #line(direction) {
    const selection = getSelection();
    this.view.select(this.place, this.place + 1);
    if (direction === "backward") selection.collapseToStart();
    else selection.collapseToEnd();
    selection.modify("extend", direction, "line");
    const moved = this.view.selected();
    if (!moved) return this.place;
    return direction === "backward" ? moved.start : moved.end - 1;
  }
}
