// Keys and clicks: which function each calls.

// By the place of the key, since what a bracket key types depends on the keyboard and on Alt.
const BRACKETS = { BracketLeft: ["start", -1], BracketRight: ["end", 1] };
const TYPED = { "[": BRACKETS.BracketLeft, "]": BRACKETS.BracketRight };

/** What a key types; where Caps Lock is on, only Shift makes a capital: `a` must not finish an article. */
function typed({ key, shiftKey }, capsLock) {
  if (!capsLock || key.length > 1) return key;
  return shiftKey ? key.toUpperCase() : key.toLowerCase();
}

/**
 * Call what a key is for.
 *
 * `keys` maps `event.key` to functions; `isIdle()` is true where there is no article, so that only undo and
 * help are of use. While the caret is on, keys that move it go there first.
 */
export function onKeys({ keys, caret, moveBoundary, isIdle }) {
  const find = (event, key) => {
    const bracket = BRACKETS[event.code] ?? TYPED[event.key];
    if (bracket) {
      const [side, outwards] = bracket;
      return () => moveBoundary(side, event.shiftKey ? -outwards : outwards, event.altKey);
    }
    if (caret.on && caret.press(event)) return () => {};
    return event.altKey || event.ctrlKey ? null : keys[key];
  };
  addEventListener("keydown", (event) => {
    if (document.querySelector("dialog[open]") || event.isComposing) return;
    if (event.target.closest("input, select, textarea")) return;
    if (event.metaKey || (event.ctrlKey && !caret.on)) return;
    const key = typed(event, event.getModifierState("CapsLock"));
    if (isIdle() && !["u", "?"].includes(key)) return;
    const does = find(event, key);
    if (!does) return;
    event.preventDefault();
    does();
  });
}

/**
 * Call what a button is for (`data-do`), and `onMark` with a mark of the text. `onTouch` is called first where a
 * finger tapped the text; what it takes is no click on a mark any more.
 */
export function onClicks(doing, onMark, onTouch = () => false) {
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-do]");
    if (button) return void doing[button.dataset.do](button);
    const mark = event.target.closest("#text mark");
    if (event.pointerType === "touch" && event.target.closest("#text") && onTouch(event, mark)) return;
    if (mark && getSelection().isCollapsed) onMark(mark);
  });
}
