/** Which mistakes the language servers mark in the editors that are open, and the form that they give to code. */

import type { EditorView } from '@codemirror/view';
import { toasts } from '@rsparkhub/ui';
import { SvelteMap } from 'svelte/reactivity';
import { chunkAt, chunks, hasChunks } from '../editor/chunks.ts';
import { difference } from '../editor/edits.ts';
import { isNotebook } from '../editor/notebook.ts';
import { languageOf } from '../editor/languages.ts';
import type { Files } from '../editor/names.ts';

/** Longer files are not checked: each change would be sent. */
const LONGEST = 500_000;

/** What a language is called in the Language Server Protocol, where it has another name there. */
const SPOKEN: Record<string, string> = { bash: 'shellscript' };

/** A piece of a file that is code of one language. */
interface Piece {
  language: string;
  from: number;
  to: number;
}

export class Checks {
  /** How many mistakes are marked, by the paths of files. */
  readonly counts = new SvelteMap<string, number>();

  constructor(
    private readonly home: () => string,
    private readonly open: (path: string, line: number) => void,
  ) {}

  /** Mark mistakes in the editor of a file from now on; return what ends it. Of a document, the chunks of R are checked. */
  begin(view: EditorView, path: string): () => void {
    const language = hasChunks(path) ? 'r' : languageOf(path);
    if (view.state.doc.length > LONGEST) return () => undefined;
    let end: (() => void) | null = null;
    let over = false;
    const start = async (): Promise<void> => {
      const { check } = await import('../editor/checks.ts');
      if (over) return;
      // By its ending lintr knows that what is no chunk is text.
      end = check(view, this.uri(isNotebook(path) ? `${path}.Rmd` : path), language, {
        spoken: hasChunks(path) ? 'rmd' : (SPOKEN[language] ?? language),
        counted: (count) => this.counts.set(path, count),
      });
    };
    if (hasChunks(path))
      void import('../editor/first-chunk.ts').then(({ whenChunkOf }) => {
        if (!over) end = whenChunkOf(language, view, () => void start());
      });
    else void start();
    return () => {
      over = true;
      end?.();
      this.counts.delete(path);
    };
  }

  /** Bring a file, or the chunk at the cursor, into the form of its language: one change, which one undo takes back. */
  async reformat(view: EditorView, path: string): Promise<void> {
    const before = view.state.doc;
    if (view.state.readOnly) {
      toasts.show('This file can’t be written, so it is not reformatted.', { meaning: 'warning' });
      return;
    }
    const piece = pieceOf(view, path);
    if (!piece) {
      toasts.show('There is no code at the cursor to reformat: go to a chunk.');
      return;
    }
    const code = before.sliceString(piece.from, piece.to);
    try {
      const { formed } = await import('../editor/checks.ts');
      const spoken = SPOKEN[piece.language] ?? piece.language;
      const after = await formed(
        this.uri(`${path}.reformatted`, piece.language),
        piece.language,
        spoken,
        code,
      );
      // A chunk ends before its fence's line; its last line break is the document's.
      const change = difference(code, hasChunks(path) ? after.replace(/\n$/, '') : after);
      if (change === null) return;
      if (view.state.doc !== before) {
        toasts.show('Not reformatted, since you went on typing. Try again.');
        return;
      }
      view.dispatch({
        changes: { from: piece.from + change.from, to: piece.from + change.to, insert: change.insert },
        userEvent: 'input.reformat',
        scrollIntoView: true,
      });
    } catch (problem) {
      toasts.show(problem instanceof Error ? problem.message : String(problem), { meaning: 'warning' });
    }
  }

  /** Go to where the name at the cursor gets its value. */
  async goToDefinition(view: EditorView, path: string): Promise<void> {
    await (await import('../editor/names.ts')).goToDefinition(view, path, this.files);
  }

  /** Give what is named at the cursor another name in all of the file. */
  async rename(view: EditorView, path: string): Promise<void> {
    await (await import('../editor/names.ts')).rename(view, path, this.files);
  }

  private get files(): Files {
    return {
      // A document of its own beside the one whose mistakes are marked.
      uri: (path, language) => this.uri(`${path}.names`, language),
      path: (uri) => pathIn(this.home(), uri),
      spoken: (language) => SPOKEN[language] ?? language,
      open: ({ path, line }) => this.open(path, line),
    };
  }

  /** Go to the next mistake. */
  async next(view: EditorView): Promise<void> {
    (await import('@codemirror/lint')).nextDiagnostic(view);
  }

  /** List the mistakes below the text. */
  async list(view: EditorView): Promise<void> {
    (await import('@codemirror/lint')).openLintPanel(view);
  }

  private uri(path: string, language?: string): string {
    const whole = `${this.home()}/${path}${language === undefined ? '' : (SUFFIXES[language] ?? '')}`;
    return `file://${whole.split('/').map(encodeURIComponent).join('/')}`;
  }
}

/** Endings by which servers know what a text is, which in a chunk has no file of its own. */
const SUFFIXES: Record<string, string> = { r: '.R', python: '.py' };

/** Return the path of a file's address within a home; null for one outside. */
export function pathIn(home: string, uri: string): string | null {
  if (!uri.startsWith('file://')) return null;
  const path = decodeURIComponent(uri.slice('file://'.length));
  return path.startsWith(`${home}/`) ? path.slice(home.length + 1) : null;
}

/** Return the code that a person means: the chunk at the cursor, or the whole file. */
function pieceOf(view: EditorView, path: string): Piece | null {
  const { doc, selection } = view.state;
  if (!hasChunks(path)) return { language: languageOf(path), from: 0, to: doc.length };
  const chunk = chunkAt(chunks(doc.toString()), doc.lineAt(selection.main.head).number - 1);
  if (!chunk || chunk.to <= chunk.from) return null;
  return { language: chunk.language, from: doc.line(chunk.from + 1).from, to: doc.line(chunk.to).to };
}
