/** Brackets coloured by their depth, so that partners are seen. */

import {
  Decoration,
  ViewPlugin,
  type DecorationSet,
  type EditorView,
  type ViewUpdate,
} from '@codemirror/view';
import { syntaxTree } from '@codemirror/language';
import { RangeSetBuilder } from '@codemirror/state';

const MARKS = [0, 1, 2, 3].map((depth) => Decoration.mark({ class: `rainbow-${depth}` }));
const LOOK_BACK = 20_000; // characters before the view that are read for the depth

function marks(view: EditorView): DecorationSet {
  const builder = new RangeSetBuilder<Decoration>();
  const { from, to } = view.viewport;
  const start = Math.max(0, from - LOOK_BACK);
  const text = view.state.sliceDoc(start, Math.min(to, from + LOOK_BACK));
  const tree = syntaxTree(view.state);
  let depth = 0;
  for (const match of text.matchAll(/[()[\]{}]/g)) {
    const at = start + match.index;
    if (/string|comment/i.test(tree.resolveInner(at, 1).name)) continue;
    const opens = '([{'.includes(match[0]);
    if (!opens) depth = Math.max(0, depth - 1);
    const mark = MARKS[depth % MARKS.length];
    if (at >= from && mark) builder.add(at, at + 1, mark);
    if (opens) depth += 1;
  }
  return builder.finish();
}

export const rainbowBrackets = ViewPlugin.fromClass(
  class {
    decorations: DecorationSet;
    constructor(view: EditorView) {
      this.decorations = marks(view);
    }
    update(update: ViewUpdate): void {
      if (
        update.docChanged ||
        update.viewportChanged ||
        syntaxTree(update.state) !== syntaxTree(update.startState)
      )
        this.decorations = marks(update.view);
    }
  },
  { decorations: (plugin) => plugin.decorations },
);
