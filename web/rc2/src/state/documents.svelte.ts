/** Open documents: what is typed is kept in this browser at once, and written to the session when the person saves. */

import { SvelteMap } from 'svelte/reactivity';
import type { NotebookSaved } from '../protocol/messages.ts';
import * as contents from '../session/contents.ts';
import { RequestFailed } from '../session/base.ts';
import * as notebooks from '../session/notebooks.ts';
import { changed, type Change } from '../editor/changes.ts';
import {
  guessedLanguage,
  isJson,
  isNotebook,
  lineWithOptions,
  namings,
  renamings,
} from '../editor/notebook.ts';
import type { Execution } from './consoles.svelte.ts';
import type { Drafts } from './drafts.ts';
import { Notebook, type Saving } from './notebook.svelte.ts';

export type Problem =
  { kind: 'conflict'; theirs: contents.TextFile } | { kind: 'gone' } | { kind: 'failed'; message: string };

type Read = contents.TextFile & Partial<notebooks.NotebookFile>;

/** What documents are told of, and tell. */
export interface Surroundings {
  /** Return what was run of a file. */
  runs: (path: string) => Execution[];
  /** Change the text of a file's editor, and return whether it has one: cursor and undo go on there. */
  change: (path: string, changes: Change[]) => boolean;
  /** Tell the person a sentence. */
  tell: (text: string) => void;
}

const ALONE: Surroundings = { runs: () => [], change: () => false, tell: () => undefined };

const readFile = (path: string): Promise<Read> =>
  isNotebook(path) ? notebooks.read(path) : contents.readText(path);

const KEEP_AFTER = 300; // milliseconds without typing, until the draft is written

export class Document {
  /** The version that this began from; null while there is no such file. */
  read: string | null = $state(null);
  /** What a notebook has beside its text; null where this is none. */
  notebook: Notebook | null = $state.raw(null);
  private typed = $state(false);
  saving = $state(false);
  /** When the draft that was found here was typed, in milliseconds since 1970. */
  recovered: number | null = $state(null);
  problem: Problem | null = $state(null);
  /** Grows when the text was replaced from outside of the editor. */
  replaced = $state(0);
  writable = true;
  /** What line ends the file has; the editor knows `\n` alone. */
  crlf = false;
  /** Its line ends are not all of one kind: a save makes them so. */
  mixed = false;
  private current = '';
  /** The text once more, where what is shown follows it: kept for notebooks alone. */
  private shown = $state.raw('');
  private saved = '';
  /** The save before: one follows the other. */
  private last: Promise<unknown> = Promise.resolve();
  /** How many saves have begun: what was asked before one says nothing about what the session has after it. */
  private saves = 0;
  /** The person knows that options in the heads of chunks are not saved. */
  private toldOfOptions = false;
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    readonly path: string,
    private readonly drafts: Drafts,
    private readonly around = ALONE,
  ) {}

  /** Whether the session lacks something of it: what was typed, or output of a notebook's cells. */
  get dirty(): boolean {
    return (
      this.typed || (this.notebook !== null && Object.keys(this.notebook.pending(this.shown)).length > 0)
    );
  }

  get name(): string {
    return this.path.split('/').at(-1) ?? this.path;
  }

  get text(): string {
    return this.current;
  }

  /** What the session has, as far as this page knows. */
  get original(): string {
    return this.saved;
  }

  async load(): Promise<void> {
    let draft = await this.drafts.read(this.path);
    if (draft && isNotebook(this.path) && isJson(draft.text)) {
      // It is of a page that showed notebooks as their JSON, and would become one cell of Markdown.
      await this.drafts.remove(this.path);
      draft = undefined;
    }
    try {
      this.take(await readFile(this.path));
    } catch (problem) {
      if (!draft) throw problem;
      if (problem instanceof RequestFailed && problem.status === 404) this.problem = { kind: 'gone' };
      this.read = draft.read;
    }
    if (draft && draft.text !== this.saved) {
      // What was typed is shown first, never thrown away for what the session has.
      if (this.read !== null && draft.read !== this.read && !this.problem)
        this.problem = {
          kind: 'conflict',
          theirs: { path: this.path, name: this.name, text: this.saved, hash: this.read, writable: true },
        };
      this.read = draft.read;
      this.replace(draft.text);
      this.recovered = draft.at;
    } else if (draft) await this.drafts.remove(this.path);
  }

  /** Take what a person typed. */
  edit(text: string): void {
    this.set(text);
    clearTimeout(this.timer);
    this.timer = setTimeout(() => void this.keep(), KEEP_AFTER);
  }

  /** Write the draft now: the page may be gone in the next moment. */
  async keep(): Promise<void> {
    clearTimeout(this.timer);
    if (this.typed)
      await this.drafts.write({ path: this.path, text: this.current, read: this.read, at: Date.now() });
    else await this.drafts.remove(this.path);
  }

  /** Write the text to the session. What goes wrong is in `problem`; the text is kept. */
  save(): Promise<boolean> {
    this.saves += 1;
    const next = this.last.then(() => this.write());
    this.last = next;
    return next;
  }

  private async write(): Promise<boolean> {
    this.saving = true;
    this.nameCells();
    const text = this.current;
    try {
      if (isNotebook(this.path)) await this.writeNotebook(text);
      else {
        this.read = await contents.writeText(
          this.path,
          this.crlf ? text.replaceAll('\n', '\r\n') : text,
          this.read,
        );
        this.saved = text;
      }
      this.mixed = false;
      this.typed = this.current !== this.saved;
      this.problem = null;
      this.recovered = null;
      await this.keep();
      return true;
    } catch (problem) {
      await this.keep();
      if (problem instanceof contents.VersionConflict)
        this.problem = { kind: 'conflict', theirs: problem.theirs };
      else
        this.problem = {
          kind: 'failed',
          message: problem instanceof Error ? problem.message : String(problem),
        };
      return false;
    } finally {
      this.saving = false;
    }
  }

  private async writeNotebook(text: string): Promise<void> {
    const { notebook } = this;
    const language = notebook?.language ?? guessedLanguage(text);
    let saving: Saving | undefined;
    const send = (): Promise<NotebookSaved> => {
      saving = notebook?.saving(text);
      return notebooks.write(this.path, { text, read: this.read, language, outputs: saving?.outputs ?? {} });
    };
    const { hash, modified, renamed, missing } = await send().catch((problem: unknown) => {
      if (!(problem instanceof contents.VersionConflict) || problem.theirs.text !== text) throw problem;
      const { theirs }: { theirs: Read } = problem;
      // Output alone is another: that of cells which were not run here since is theirs.
      if (theirs.notebook) notebook?.follow(theirs.notebook);
      this.read = theirs.hash;
      return send();
    });
    this.read = hash;
    this.notebook ??= this.besides({ language, kernel: null, modified, outputs: {} });
    saving?.done({ renamed });
    if (missing.length > 0)
      this.around.tell(
        `${this.name} is saved without the new output of ${missing.length === 1 ? 'a cell' : `${missing.length} cells`}, ` +
          'which the session keeps no longer. Run what you want to have in the file again.',
      );
    const line = lineWithOptions(text, language);
    if (line !== null && !this.toldOfOptions)
      this.around.tell(
        `${this.name} is saved without the options in the head of its chunk in line ${line}: ` +
          'a notebook has no place for them. Write them into the cell, as #| echo: false.',
      );
    this.toldOfOptions = line !== null;
    this.saved = changed(text, renamings(text, language, renamed));
    this.change(renamings(this.current, language, renamed));
  }

  /** Give each cell of a notebook a name of its own: its output stands by that. */
  nameCells(): void {
    if (this.notebook) this.change(namings(this.current, this.notebook.language));
  }

  private change(changes: Change[]): void {
    if (changes.length > 0 && !this.around.change(this.path, changes))
      this.replace(changed(this.current, changes));
  }

  private besides(notebook: notebooks.NotebookFile['notebook']): Notebook {
    return new Notebook(notebook, () => this.around.runs(this.path));
  }

  /** Look whether the session has another version: what nobody has typed into just follows it. */
  async refresh(): Promise<void> {
    await this.last;
    const { saves } = this;
    if (this.problem?.kind === 'conflict') return;
    const now = await contents.version(this.path);
    if (now === this.read || saves !== this.saves) return;
    if (now === null) {
      if (this.read !== null) this.problem = { kind: 'gone' };
      return;
    }
    const theirs = await readFile(this.path);
    if (saves !== this.saves) return;
    if (!this.dirty) this.take(theirs);
    else if (theirs.notebook && theirs.text === this.saved && !this.typed) {
      // The next save writes the output of cells that were run here, and leaves that of others.
      this.notebook?.follow(theirs.notebook);
      this.read = theirs.hash;
    } else if (theirs.text.replaceAll('\r\n', '\n') !== this.current)
      this.problem = { kind: 'conflict', theirs };
  }

  /** Settle a conflict: with mine the session's version is overwritten by the next save, with theirs what was typed goes. */
  async settle(which: 'mine' | 'theirs'): Promise<void> {
    const { problem } = this;
    if (problem?.kind !== 'conflict') return;
    await this.last;
    this.problem = null;
    this.recovered = null;
    if (which === 'theirs') {
      this.take(problem.theirs);
      await this.keep();
      return;
    }
    this.read = problem.theirs.hash;
    await this.save();
  }

  /** Take a text that was put together of two versions. */
  merge(text: string): void {
    this.replace(text);
  }

  /** Throw away what was typed, and show what the session has. */
  async discard(): Promise<void> {
    this.recovered = null;
    this.problem = null;
    await this.drafts.remove(this.path);
    this.take(await readFile(this.path));
  }

  private take(file: Read): void {
    this.crlf = file.text.includes('\r\n');
    this.mixed = /\r(?!\n)/.test(file.text) || (this.crlf && /(^|[^\r])\n/.test(file.text));
    this.saved = file.text.replaceAll('\r\n', '\n');
    this.read = file.hash;
    this.writable = file.writable;
    this.problem = null;
    if (file.notebook) this.notebook = this.besides(file.notebook);
    this.replace(this.saved);
  }

  private replace(text: string): void {
    this.set(text);
    this.replaced += 1;
  }

  private set(text: string): void {
    this.current = text;
    if (isNotebook(this.path)) this.shown = text;
    this.typed = text !== this.saved || this.read === null;
  }
}

export class Documents {
  readonly open = new SvelteMap<string, Document>();
  active: string | null = $state(null);

  constructor(
    readonly drafts: Drafts,
    private readonly around = ALONE,
  ) {}

  get current(): Document | null {
    return this.active === null ? null : (this.open.get(this.active) ?? null);
  }

  /** Return the document of a path, read from the session unless it is open. */
  async get(path: string): Promise<Document> {
    const there = this.open.get(path);
    if (there) return there;
    const document = new Document(path, this.drafts, this.around);
    await document.load();
    const meanwhile = this.open.get(path);
    if (meanwhile) return meanwhile;
    this.open.set(path, document);
    return document;
  }

  /** Close a document; what was typed into it stays in this browser. */
  async close(path: string): Promise<void> {
    const document = this.open.get(path);
    if (!document) return;
    await document.keep();
    this.open.delete(path);
    if (this.active === path) this.active = null;
  }

  async keepAll(): Promise<void> {
    await Promise.all([...this.open.values()].map((document) => document.keep()));
  }

  async refreshAll(): Promise<void> {
    await Promise.allSettled([...this.open.values()].map((document) => document.refresh()));
  }
}
