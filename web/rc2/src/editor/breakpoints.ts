/** Breakpoints in the margin, which move with the text, and the line at which code waits. */

import {
  RangeSet,
  StateEffect,
  StateField,
  type ChangeDesc,
  type EditorState,
  type Extension,
  type Text,
} from '@codemirror/state';
import { Decoration, EditorView, GutterMarker, gutter, type DecorationSet } from '@codemirror/view';
import type { Breakpoint, BreakpointAt } from '../protocol/messages.ts';

/** Characters of a line by which it is known again. */
const MOST_TEXT = 200;
/** Lines on either side in which a line is looked for by its text. */
const NEAR = 2000;

class Mark extends GutterMarker {
  /** What is typed before a line moves its breakpoint along with the line. */
  override startSide = 1;
  override endSide = 1;

  constructor(readonly inForce: boolean) {
    super();
  }

  override eq(other: Mark): boolean {
    return other.inForce === this.inForce;
  }

  override toDOM(): HTMLElement {
    const mark = document.createElement('span');
    mark.className = this.inForce ? 'breakpoint in-force' : 'breakpoint';
    mark.title = this.inForce ? 'Breakpoint' : 'Breakpoint, in force once this code was run';
    return mark;
  }
}
const marks = { true: new Mark(true), false: new Mark(false) };
const markOf = (inForce: boolean): Mark => marks[inForce ? 'true' : 'false'];

/** Return marks at the beginnings of their lines, where the margin shows them. */
function atLines(set: RangeSet<Mark>, doc: Text): RangeSet<Mark> {
  const byLine = new Map<number, Mark>();
  set.between(0, doc.length, (from, _to, mark) => {
    byLine.set(doc.lineAt(from).from, mark);
  });
  return RangeSet.of(
    [...byLine].map(([from, mark]) => mark.range(from)),
    true,
  );
}

const put = StateEffect.define<{ from: number; inForce: boolean }[]>();
const stop = StateEffect.define<number | null>();

const field = StateField.define<RangeSet<Mark>>({
  create: () => RangeSet.empty,
  update(set, transaction) {
    let next = set.map(transaction.changes);
    if (transaction.docChanged) next = atLines(next, transaction.newDoc);
    for (const effect of transaction.effects)
      if (effect.is(put))
        next = RangeSet.of(
          effect.value.map(({ from, inForce }) => markOf(inForce).range(from)),
          true,
        );
    return next;
  },
});

const waits = Decoration.line({ class: 'cm-stopped', attributes: { 'data-stopped': 'true' } });
const stoppedField = StateField.define<DecorationSet>({
  create: () => Decoration.none,
  update(set, transaction) {
    let next = set.map(transaction.changes);
    for (const effect of transaction.effects)
      if (effect.is(stop))
        next = effect.value === null ? Decoration.none : Decoration.set(waits.range(effect.value));
    return next;
  },
  provide: (of) => EditorView.decorations.from(of),
});

/** Return what a line is known again by; characters are counted as Python and R count them. */
export const textOf = (doc: Text, line: number): string => {
  const text = doc.line(line).text.trim();
  return text.length <= MOST_TEXT ? text : Array.from(text).slice(0, MOST_TEXT).join('');
};

/** Return the line of a text that a breakpoint belongs to: its own, else the nearest that reads the same. */
export function placed(doc: Text, { line, text }: BreakpointAt): number {
  const own = Math.min(Math.max(1, line), doc.lines);
  if (textOf(doc, own) === text) return own;
  for (let away = 1; away < NEAR; away += 1)
    for (const other of [own - away, own + away])
      if (other >= 1 && other <= doc.lines && textOf(doc, other) === text) return other;
  return own;
}

/** Return the breakpoints of an editor, as the server is told of them. */
export function breakpointsIn(state: EditorState): BreakpointAt[] {
  const set = state.field(field, false);
  const lines = new Set<number>();
  set?.between(0, state.doc.length, (from) => {
    lines.add(state.doc.lineAt(from).number);
  });
  return [...lines].map((line) => ({ line, text: textOf(state.doc, line) }));
}

/** What was typed since the server was told where breakpoints are: the text before, and what has changed. */
export interface Typed {
  before: Text;
  changes: ChangeDesc;
}

/** Return which line of a text a breakpoint of the server's belongs to. */
export function lineNow(doc: Text, breakpoint: BreakpointAt, typed?: Typed): number {
  if (!typed) return placed(doc, breakpoint);
  const { from } = typed.before.line(placed(typed.before, breakpoint));
  return doc.lineAt(typed.changes.mapPos(from, 1)).number;
}

/** Return the effect that puts breakpoints at lines, in place of all before. */
export const putBreakpoints = (
  doc: Text,
  lines: { line: number; inForce: boolean }[],
): StateEffect<{ from: number; inForce: boolean }[]> =>
  put.of(lines.map(({ line, inForce }) => ({ from: doc.line(line).from, inForce })));

/** Show the breakpoints that the server has. */
export function showBreakpoints(view: EditorView, breakpoints: Breakpoint[], typed?: Typed): void {
  const { doc } = view.state;
  const byLine = new Map(breakpoints.map((each) => [lineNow(doc, each, typed), each.in_force]));
  view.dispatch({
    effects: putBreakpoints(
      doc,
      [...byLine].map(([line, inForce]) => ({ line, inForce })),
    ),
  });
}

/** Pixels below which an editor is not laid out yet, as one that was just opened: what it scrolls to then is not where the line belongs. */
const LOW = 160;
const observers = new WeakMap<EditorView, ResizeObserver>();

/** Show at which line code waits, from 1, and bring it into view. */
export function showStopped(view: EditorView, line: number | null): void {
  const { doc } = view.state;
  const from = line === null ? null : doc.line(Math.min(Math.max(1, line), doc.lines)).from;
  view.dispatch({ effects: stop.of(from) });
  observers.get(view)?.disconnect();
  if (from === null) return;
  const { scrollDOM } = view;
  const observer = new ResizeObserver(() => {
    bringIntoView(view);
    if (scrollDOM.clientHeight >= LOW) observer.disconnect();
  });
  observers.set(view, observer);
  observer.observe(scrollDOM);
}

function bringIntoView(view: EditorView): void {
  const { value, from } = view.state.field(stoppedField).iter();
  if (value) view.dispatch({ effects: EditorView.scrollIntoView(from, { y: 'nearest', yMargin: 60 }) });
}

/** Set a breakpoint at a line, or take it away, and return all that there are then; at an empty line none can be. */
export function toggleBreakpoint(view: EditorView, line: number): BreakpointAt[] {
  const { doc } = view.state;
  const before = breakpointsIn(view.state);
  const text = textOf(doc, line);
  const after = before.some((each) => each.line === line)
    ? before.filter((each) => each.line !== line)
    : text === ''
      ? before
      : [...before, { line, text }];
  view.dispatch({
    effects: putBreakpoints(
      doc,
      after.map((each) => ({ line: each.line, inForce: false })),
    ),
  });
  return after;
}

interface Heard {
  /** A person has set them, or taken some away. */
  set: (breakpoints: BreakpointAt[]) => void;
  /** The text has changed around them. */
  moved: (typed: Typed) => void;
}

/** The margin of breakpoints. */
export const breakpoints = ({ set, moved }: Heard): Extension => [
  field,
  stoppedField,
  gutter({
    class: 'cm-breakpoints',
    markers: (view) => view.state.field(field),
    domEventHandlers: {
      mousedown(view, block, event) {
        if ((event as MouseEvent).button !== 0) return false;
        set(toggleBreakpoint(view, view.state.doc.lineAt(block.from).number));
        return true;
      },
    },
  }),
  EditorView.updateListener.of((update) => {
    if (update.docChanged && (update.state.field(field).size > 0 || update.startState.field(field).size > 0))
      moved({ before: update.startState.doc, changes: update.changes.desc });
  }),
];
