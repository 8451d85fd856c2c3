import { EditorState, Text } from '@codemirror/state';
import { describe, expect, it } from 'vitest';
import { breakpoints, breakpointsIn, lineNow, placed, putBreakpoints, textOf } from './breakpoints.ts';

const doc = Text.of(['f <- function(x) {', '  y <- x', '  y', '}', 'y']);

describe('placed', () => {
  it('is its own line where that reads as it did', () => {
    expect(placed(doc, { line: 3, text: 'y' })).toBe(3);
  });
  it('is the nearest line that reads so, else its own', () => {
    expect(placed(doc, { line: 4, text: 'y <- x' })).toBe(2);
    expect(placed(doc, { line: 4, text: 'y' })).toBe(3);
    expect(placed(doc, { line: 2, text: 'gone' })).toBe(2);
    expect(placed(doc, { line: 99, text: 'gone' })).toBe(5);
  });
});

it('is in no editor that has none', () => {
  const state = EditorState.create({
    doc,
    extensions: breakpoints({ set: () => undefined, moved: () => undefined }),
  });
  expect(breakpointsIn(state)).toEqual([]);
  expect(breakpointsIn(EditorState.create({ doc }))).toEqual([]);
});

describe('a breakpoint in an editor', () => {
  const extensions = breakpoints({ set: () => undefined, moved: () => undefined });
  const start = EditorState.create({ doc, extensions });
  const state = start.update({ effects: putBreakpoints(doc, [{ line: 2, inForce: true }]) }).state;
  const line = doc.line(2);
  const after = (from: number, insert: string, to = from) =>
    breakpointsIn(state.update({ changes: { from, to, insert } }).state);

  it('moves along where a line is put before it', () => {
    expect(after(line.from, '\n')).toEqual([{ line: 3, text: 'y <- x' }]);
    expect(after(0, '# first\n')).toEqual([{ line: 3, text: 'y <- x' }]);
  });
  it('stays at the line that is broken, or ended', () => {
    expect(after(line.from + 4, '\n')).toEqual([{ line: 2, text: 'y' }]);
    expect(after(line.to, '\n')).toEqual([{ line: 2, text: 'y <- x' }]);
  });
  it('stays at the beginning of its line while that is typed', () => {
    const typed = state.update({ changes: { from: line.from, insert: 'x; ' } }).state;
    const again = typed.update({ changes: { from: line.from, insert: '\n' } }).state;
    expect(breakpointsIn(again)).toEqual([{ line: 3, text: 'x;   y <- x' }]);
  });
});

it('is where the text has moved to that the server was told of', () => {
  const state = EditorState.create({ doc });
  const { changes, newDoc } = state.update({
    changes: [
      { from: 0, insert: '#\n' },
      { from: doc.line(2).to, insert: ' + 1' },
    ],
  });
  const typed = { before: doc, changes: changes.desc };
  expect(lineNow(newDoc, { line: 2, text: 'y <- x' }, typed)).toBe(3);
  expect(lineNow(newDoc, { line: 5, text: 'y' }, typed)).toBe(6);
});

it('is known by characters, not by halves of them', () => {
  expect(textOf(Text.of([`  ${'\u{1f600}'.repeat(300)}`]), 1)).toBe('\u{1f600}'.repeat(200));
});
