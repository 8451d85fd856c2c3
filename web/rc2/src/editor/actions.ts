/** What the keys of RStudio do to the text of an editor. */

import { EditorSelection } from '@codemirror/state';
import type { EditorView } from '@codemirror/view';
import { chunkAt, chunks, hasChunks, type Chunk } from './chunks.ts';
import { statementAt } from './statements.ts';
import { languageOf } from './languages.ts';
import { isCode, isNotebook } from './notebook.ts';

/** A piece of a document to be run. Lines are from 1. */
export interface Piece {
  code: string;
  language: string;
  first: number;
  last: number;
  chunk: string | null;
  /** Where the cursor goes then. */
  next: number;
}

const RUNS = new Set(['r', 'python', 'bash', 'sql']);

/** Return the names of chunks as the protocol has them: their label, or their number from 1. */
export const chunkName = (all: Chunk[], chunk: Chunk): string =>
  chunk.label ?? String(all.indexOf(chunk) + 1);

/** Return what Ctrl+Enter runs: what is selected, else the statement at the cursor; null where there is none. */
export function pieceAtCursor(view: EditorView, path: string): Piece | null {
  const { state } = view;
  const { from, to, head, empty } = state.selection.main;
  const text = state.doc.toString();
  const documents = hasChunks(path);
  const all = documents ? chunks(text) : [];
  const line = state.doc.lineAt(head);
  const chunk = chunkAt(all, line.number - 1);
  if (documents && !chunk) return null;
  const language = chunk?.language ?? languageOf(path);
  if (!RUNS.has(language) && !(isNotebook(path) && isCode(language))) return null;
  const named = chunk ? chunkName(all, chunk) : null;
  const piece = (start: number, end: number): Piece => {
    const last = state.doc.lineAt(end).number;
    return {
      code: state.sliceDoc(start, end),
      language,
      first: state.doc.lineAt(start).number,
      last,
      chunk: named,
      next: nextCode(view, end),
    };
  };
  // Only a whole cell has output in a notebook's file.
  if (!empty) return { ...piece(from, to), next: head, ...(isNotebook(path) ? { chunk: null } : {}) };
  if (chunk && isNotebook(path)) return wholeCell(view, all, chunk);
  // Within a chunk only its own lines count.
  const start = chunk ? state.doc.line(Math.min(chunk.from + 1, state.doc.lines)).from : 0;
  const end = chunk ? Math.max(start, state.doc.line(Math.max(chunk.to, chunk.from + 1)).to) : text.length;
  const code = text.slice(start, end);
  const at = Math.min(Math.max(head - start, 0), code.length);
  const range = language === 'r' ? statementAt(code, at) : blockAt(code, at, language);
  return range ? piece(start + range.from, start + range.to) : null;
}

/** Return the chunks that are run for a line: its own, or with `above` and `all` those of code. */
export function meantChunks(all: Chunk[], line: number, which: 'this' | 'above' | 'all'): Chunk[] {
  if (which === 'this') return all.filter((chunk) => chunk === chunkAt(all, line));
  return all.filter(
    ({ language, fence, end }) => isCode(language) && (which === 'all' || (end < line && fence < line)),
  );
}

/** Return the cell of a notebook, after which the next one follows; null where it is empty. */
function wholeCell({ state: { doc } }: EditorView, all: Chunk[], chunk: Chunk): Piece | null {
  if (chunk.code.trim() === '') return null;
  const following = all[all.indexOf(chunk) + 1];
  return {
    code: chunk.code,
    language: chunk.language,
    first: chunk.from + 1,
    last: Math.max(chunk.from + 1, chunk.to),
    chunk: chunkName(all, chunk),
    next: doc.line(Math.min(following ? following.from + 1 : chunk.end + 1, doc.lines)).from,
  };
}

/** Return the statement of Python, or the line of a shell, at a position; after empty lines the one that follows. */
export function blockAt(
  text: string,
  position: number,
  language: string,
): { from: number; to: number } | null {
  const lines = text.split('\n');
  const starts: number[] = [];
  lines.reduce((from, line) => {
    starts.push(from);
    return from + line.length + 1;
  }, 0);
  let line = text.slice(0, position).split('\n').length - 1;
  const blank = (at: number): boolean => /^\s*(#.*)?$/.test(lines[at] ?? '');
  while (line < lines.length && blank(line)) line += 1;
  if (line >= lines.length) return null;
  let first = line;
  let last = line;
  if (language === 'python') {
    // A statement begins at the margin; what is indented, or closes it, belongs to it.
    const goesOn = (at: number): boolean =>
      /^(\s+\S|[)\]}]|else\b|elif\b|except\b|finally\b)/.test(lines[at] ?? '') ||
      open(lines.slice(first, at).join('\n'));
    while (first > 0 && /^(\s|$|[)\]}]|else\b|elif\b|except\b|finally\b)/.test(lines[first] ?? ''))
      first -= 1;
    while (first > 0 && /^@/.test(lines[first - 1] ?? '')) first -= 1;
    last = first;
    while (
      last < line ||
      (last + 1 < lines.length && (goesOn(last + 1) || (blank(last + 1) && followed(last + 1))))
    )
      last += 1;
    while (last > first && blank(last)) last -= 1;
  } else if (language === 'sql') {
    while (first > 0 && !/;\s*$/.test(lines[first - 1] ?? '')) first -= 1;
    while (last + 1 < lines.length && !/;\s*$/.test(lines[last] ?? '')) last += 1;
  } else while (last + 1 < lines.length && /\\$/.test(lines[last] ?? '')) last += 1;
  return { from: starts[first] ?? 0, to: (starts[last] ?? 0) + (lines[last]?.length ?? 0) };

  function followed(at: number): boolean {
    while (at < lines.length && /^\s*$/.test(lines[at] ?? '')) at += 1;
    return /^\s+\S/.test(lines[at] ?? '');
  }
  function open(code: string): boolean {
    const bare = code.replace(/#.*$/gm, '').replace(/"[^"\n]*"|'[^'\n]*'/g, '');
    return (
      (bare.match(/[([{]/g) ?? []).length > (bare.match(/[)\]}]/g) ?? []).length || /@\w[^\n]*$/.test(bare)
    );
  }
}

/** Return where the next code after a position begins. */
function nextCode(view: EditorView, end: number): number {
  const { doc } = view.state;
  for (let number = doc.lineAt(end).number + 1; number <= doc.lines; number += 1) {
    const line = doc.line(number);
    if (!/^\s*(#.*)?$/.test(line.text)) return line.from + line.text.search(/\S/);
  }
  const last = doc.line(doc.lines);
  return last.to;
}

/** Write a text at each cursor, with one space on either side. */
export function insertSpaced(view: EditorView, text: string): void {
  const { state } = view;
  view.dispatch(
    state.changeByRange((range) => {
      const before = range.from > 0 ? state.sliceDoc(range.from - 1, range.from) : '\n';
      const after = state.sliceDoc(range.to, range.to + 1);
      const lead = /\s/.test(before) ? '' : ' ';
      const insert = `${lead}${text}${after === ' ' ? '' : ' '}`;
      const cursor = range.from + insert.length + (after === ' ' ? 1 : 0);
      return { changes: { from: range.from, to: range.to, insert }, range: EditorSelection.cursor(cursor) };
    }),
    { userEvent: 'input', scrollIntoView: true },
  );
}

/** Insert a new chunk at the cursor; in a script, a new section. */
export function insertChunk(view: EditorView, language: string): void {
  const { state } = view;
  const line = state.doc.lineAt(state.selection.main.head);
  const lead = line.text.trim() ? '\n\n' : '';
  const before = `${lead}\`\`\`{${language}}\n`;
  const at = line.text.trim() ? line.to : line.from;
  view.dispatch({
    changes: { from: at, to: line.to, insert: `${before}\n\`\`\`\n` },
    selection: { anchor: at + before.length },
    scrollIntoView: true,
    userEvent: 'input',
  });
}
