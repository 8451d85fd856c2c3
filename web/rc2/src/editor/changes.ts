/** Changes of a text by lines and columns, as a search finds them, and how they are undone. */

import type { Edit } from '../session/search.ts';

/** What stands at an offset of a text, and what shall stand there. */
export interface Change {
  from: number;
  to: number;
  insert: string;
}

/** Return edits as changes by offset; null where the text has no such places. */
export function changesOf(text: string, edits: Edit[]): Change[] | null {
  const changes: Change[] = [];
  let start = 0;
  let number = 1;
  for (const { line, column, length, new: insert } of edits) {
    for (; number < line; number += 1) {
      const end = text.indexOf('\n', start);
      if (end < 0) return null;
      start = end + 1;
    }
    const from = start + column;
    if (from + length > text.length) return null;
    changes.push({ from, to: from + length, insert });
  }
  return changes;
}

/** Return a text with changes, which are in order. */
export function changed(text: string, changes: Change[]): string {
  let at = 0;
  let whole = '';
  for (const { from, to, insert } of changes) {
    whole += text.slice(at, from) + insert;
    at = to;
  }
  return whole + text.slice(at);
}

/** Return the changes that bring back a text from what `changes` made of it. */
export function inverse(text: string, changes: Change[]): Change[] {
  let grown = 0;
  return changes.map(({ from, to, insert }) => {
    const start = from + grown;
    grown += insert.length - (to - from);
    return { from: start, to: start + insert.length, insert: text.slice(from, to) };
  });
}
