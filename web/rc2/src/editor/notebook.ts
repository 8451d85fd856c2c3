/**
 * The text of a Jupyter notebook, as the server makes it: a chunk for each cell of code, whose label is the cell's name, and each cell of
 * Markdown under a line `<!-- cell NAME -->`. A chunk of another language than the notebook's is text of Markdown.
 */

import { Transaction, type TransactionSpec } from '@codemirror/state';
import type { Change } from './changes.ts';
import { chunks, type Chunk } from './chunks.ts';

const MARK = /^(<!-- cell)(?: ([\w-]{1,64}))?( -->[ \t]*)$/;
const HEAD = /^(\s*(?:`{3,}|~{3,})\s*\{[A-Za-z][\w.+-]*)(\s*,?\s*)(.*)$/;
const LABEL = /^([\w-]{1,64})(?=[ \t]*(?:,|\}))/;

/** Return whether a path is that of a notebook. */
export const isNotebook = (path: string): boolean => /\.ipynb$/i.test(path);

/** Return whether a text is the JSON of a notebook. */
export function isJson(text: string): boolean {
  if (!text.trimStart().startsWith('{')) return false;
  try {
    return Array.isArray((JSON.parse(text) as { cells?: unknown }).cells);
  } catch {
    return false;
  }
}

/** Return what gives cells their names in an editor. Nobody takes it back: what stands under a cell goes by its name. */
export const unrecorded = (changes: Change[]): TransactionSpec => ({
  changes,
  annotations: Transaction.addToHistory.of(false),
});

/** Return whether a line begins a cell of Markdown. */
export const isMark = (line: string): boolean => MARK.test(line);

/** Return the chunks that are cells of code. */
export const codeCells = (text: string, language: string): Chunk[] =>
  chunks(text).filter((chunk) => chunk.language === language);

/** Return whether a chunk of a language can be a cell of code. */
export const isCode = (language: string): boolean => language !== 'raw' && language !== 'markdown';

/** Return the first line, from 1, of a cell whose head says more than its name; null where none does. A file has no place for it. */
export function lineWithOptions(text: string, language: string): number | null {
  const cell = codeCells(text, language).find(
    ({ options }) => options.includes(',') || options.includes('='),
  );
  return cell ? cell.fence + 1 : null;
}

/** Return the language that most likely is a notebook's, where its file is gone. */
export const guessedLanguage = (text: string): string =>
  chunks(text).find(({ language }) => isCode(language))?.language ?? 'python';

const fresh = (): string => crypto.randomUUID().slice(0, 8);

interface Naming {
  /** Where a name is, or goes to, with what has to stand around a new one. */
  from: number;
  to: number;
  name: string | null;
  before: string;
  after: string;
}

/** Return where the cells of a text have their names, in order. */
function names(text: string, language: string): Naming[] {
  const lines = text.split('\n');
  const begins = new Map(chunks(text).map((chunk) => [chunk.fence, chunk]));
  const found: Naming[] = [];
  let marked = false;
  let from = 0;
  for (let at = 0; at < lines.length; at += 1) {
    const line = lines[at] ?? '';
    const chunk = begins.get(at);
    const mark = MARK.exec(line);
    if (chunk && [language, 'raw', 'markdown'].includes(chunk.language)) {
      const [, head = '', gap = '', rest = ''] = HEAD.exec(line) ?? [];
      const label = LABEL.exec(rest)?.[1] ?? null;
      const begin = from + head.length;
      found.push(
        label === null
          ? {
              from: begin,
              to: begin + gap.length,
              name: null,
              before: ', ',
              after: rest.startsWith('}') ? '' : ', ',
            }
          : {
              from: begin + gap.length,
              to: begin + gap.length + label.length,
              name: label,
              before: '',
              after: '',
            },
      );
      marked = false;
    } else if (mark) {
      const [, head = '', name = null] = mark;
      const begin = from + head.length;
      found.push({
        from: begin,
        to: begin + (name === null ? 0 : name.length + 1),
        name,
        before: ' ',
        after: '',
      });
      marked = true;
    } else if (!marked && line.trim() !== '') {
      found.push({ from, to: from, name: null, before: '<!-- cell ', after: ' -->\n' });
      marked = true;
    }
    // What is in a chunk is no Markdown of the notebook.
    for (const last = chunk?.end ?? at; at < last; at += 1) from += (lines[at]?.length ?? 0) + 1;
    from += (lines[at]?.length ?? 0) + 1;
  }
  return found;
}

/** Return the changes that give each cell of a text a name of its own; one that was copied gets a new one. */
export function namings(text: string, language: string, make = fresh): Change[] {
  const seen = new Set<string>();
  return names(text, language).flatMap(({ from, to, name, before, after }) => {
    if (name !== null && !seen.has(name)) {
      seen.add(name);
      return [];
    }
    return [{ from, to, insert: `${before}${make()}${after}` }];
  });
}

/** Return the changes that give cells other names. */
export const renamings = (text: string, language: string, renamed: Record<string, string>): Change[] =>
  names(text, language).flatMap(({ from, to, name, before }) => {
    const now = name === null ? undefined : renamed[name];
    return now === undefined ? [] : [{ from, to, insert: `${before}${now}` }];
  });
