/** Changes of a text as the Language Server Protocol has them: lines and columns from 0, in UTF-16 as JavaScript's are. */

import type { Text } from '@codemirror/state';

interface Position {
  line: number;
  character: number;
}

export interface TextEdit {
  range: { start: Position; end: Position };
  newText: string;
}

/** Return where a position is; what is beyond a line or the text is at its end. */
export function offset(text: Text, { line, character }: Position): number {
  if (line >= text.lines) return text.length;
  const { from, to } = text.line(line + 1);
  return Math.min(from + character, to);
}

/** Return a text with edits, which don't overlap and are all of the text as it was. */
export function applied(text: Text, edits: readonly TextEdit[]): string {
  const pieces: string[] = [];
  let done = 0;
  const places = edits.map(({ range, newText }) => ({
    from: offset(text, range.start),
    to: offset(text, range.end),
    newText,
  }));
  for (const { from, to, newText } of places.sort((one, other) => one.from - other.from)) {
    pieces.push(text.sliceString(done, from), newText);
    done = to;
  }
  pieces.push(text.sliceString(done));
  return pieces.join('');
}

/** Return the smallest single change that makes one text of another, so that a cursor elsewhere stays; null where both are one. */
export function difference(
  before: string,
  after: string,
): { from: number; to: number; insert: string } | null {
  if (before === after) return null;
  const most = Math.min(before.length, after.length);
  let from = 0;
  while (from < most && before[from] === after[from]) from += 1;
  let kept = 0;
  while (kept < most - from && before[before.length - 1 - kept] === after[after.length - 1 - kept]) kept += 1;
  return { from, to: before.length - kept, insert: after.slice(from, after.length - kept) };
}
