/** The time that each line of a document took in the profile that is shown, at the line's end; it moves with the text. */

import { StateEffect, StateField } from '@codemirror/state';
import { Decoration, EditorView, WidgetType, type DecorationSet } from '@codemirror/view';

export interface TimedLine {
  line: number;
  text: string;
  /** From 0 to 1. */
  share: number;
}

class Time extends WidgetType {
  constructor(private readonly timed: TimedLine) {
    super();
  }

  override eq(other: Time): boolean {
    return other.timed.text === this.timed.text && other.timed.share === this.timed.share;
  }

  override toDOM(): HTMLElement {
    const mark = document.createElement('span');
    mark.className = 'cm-profiled';
    mark.textContent = this.timed.text;
    mark.style.setProperty('--share', `${Math.round(100 * this.timed.share)}%`);
    return mark;
  }
}

const put = StateEffect.define<readonly TimedLine[]>();

const field = StateField.define<DecorationSet>({
  create: () => Decoration.none,
  update(set, transaction) {
    let next = set.map(transaction.changes);
    const { doc } = transaction.state;
    for (const effect of transaction.effects)
      if (effect.is(put))
        next = Decoration.set(
          effect.value
            .filter(({ line }) => line <= doc.lines)
            .map((timed) =>
              Decoration.widget({ widget: new Time(timed), side: 1 }).range(doc.line(timed.line).to),
            ),
          true,
        );
    return next;
  },
  provide: (of) => EditorView.decorations.from(of),
});

const theme = EditorView.baseTheme({
  '.cm-profiled': {
    marginLeft: '2em',
    padding: '0 6px',
    borderLeft: '3px solid color-mix(in srgb, var(--accent) var(--share), var(--grey-6))',
    color: 'var(--grey-11)',
    fontSize: '0.85em',
    userSelect: 'none',
  },
});

/** Show the times of lines in an editor, in the place of those before. */
export function showTimes(view: EditorView, lines: readonly TimedLine[]): void {
  const known = view.state.field(field, false) !== undefined;
  if (!known && lines.length === 0) return;
  view.dispatch({
    effects: [...(known ? [] : [StateEffect.appendConfig.of([field, theme])]), put.of(lines)],
  });
}
