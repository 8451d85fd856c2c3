/** A search in the files of the home: what it has found, and what is replaced. What editors have open is changed in them. */

import { isolateHistory } from '@codemirror/commands';
import type { EditorView } from '@codemirror/view';
import { SvelteMap } from 'svelte/reactivity';
import { changed, changesOf, inverse, type Change } from '../editor/changes.ts';
import { isNotebook } from '../editor/notebook.ts';
import { RequestFailed } from '../session/base.ts';
import * as contents from '../session/contents.ts';
import * as session from '../session/search.ts';
import type { Document, Documents } from './documents.svelte.ts';
import { LeftOut } from './left-out.ts';

const PREVIEWED = 50; // files that are asked for at once
/** Documents with unsaved text that are searched as they are, and the longest of them: the session takes no more. */
const MOST_TEXTS = 100;
const LONGEST_TEXT = 2 ** 23;
const BROKEN_OFF = 'The connection broke off.';
const CHANGED = 'It has changed since it was searched. Search again.';
const NOT_SAVED = 'It is open and not saved. Save it, and replace again.';

export interface FoundFile {
  path: string;
  version: string | null;
  why: string | null;
  matches: session.Match[];
  /** Matches were taken out of the list: the rest is replaced one by one. */
  partial: boolean;
}

/** What a replacement did to a document that is open, or was. */
interface Changed {
  path: string;
  before: string;
  after: string;
  /** What brings `before` back from `after`. */
  back: Change[];
  saved: boolean;
}

export interface Done {
  files: number;
  matches: number;
  passed: { path: string; why: string }[];
}

export const keyOf = ({ line, column }: session.Position): string => `${line}:${column}`;
const sentence = (error: unknown): string => (error instanceof Error ? error.message : String(error));
const isAbort = (error: unknown): boolean => error instanceof DOMException && error.name === 'AbortError';
const globsOf = (files: string): string[] =>
  files
    .split(/[,\s]+/)
    .map((one) => one.trim())
    .filter(Boolean);

export class Search {
  pattern = $state('');
  replacement = $state('');
  regex = $state(false);
  case = $state(false);
  words = $state(false);
  files = $state('');
  folder = $state('');
  ignored = $state(false);
  hidden = $state(false);
  /** Whether what stands there instead is asked for. */
  replacing = $state(false);
  /** Grows when a key or a menu asks for the pane. */
  asked = $state(0);

  found: FoundFile[] = $state.raw([]);
  matches = $state(0);
  more = $state(false);
  tooLong = $state(0);
  problem: string | null = $state(null);
  /** What the list has been found by; null before the first search. */
  searched: session.Query | null = $state.raw(null);
  running = $state(false);
  /** The last search was stopped before it was whole. */
  stopped = $state(false);
  /** A replacement, or its undo, that is under way. */
  changing: { text: string; done: number; all: number; stop: AbortController } | null = $state.raw(null);
  last: Done | null = $state.raw(null);
  undoable: { id: string | null; documents: Changed[] } | null = $state.raw(null);
  /** What stands in the place of matches, by path and place; and why it can't be said. */
  readonly news = new SvelteMap<string, Map<string, string>>();
  previewProblem: string | null = $state(null);
  private readonly left = new LeftOut();
  private texts = new Map<string, string>();
  private stopping: AbortController | null = null;
  private asking = new Set<string>();
  private round = 0;

  constructor(
    private readonly documents: Documents,
    private readonly editors: Map<string, EditorView>,
  ) {}

  get query(): session.Query {
    return {
      pattern: this.pattern,
      regex: this.regex,
      case: this.case,
      words: this.words,
      files: globsOf(this.files),
      folder: this.folder.trim().replace(/^[~/]+|\/+$/g, ''),
      ignored: this.ignored,
      hidden: this.hidden,
    };
  }

  /** Whether the list is of what is asked for now. */
  get isCurrent(): boolean {
    return this.searched !== null && JSON.stringify(this.searched) === JSON.stringify(this.query);
  }

  stop(): void {
    this.stopping?.abort();
    this.changing?.stop.abort();
  }

  /** Forget what was found. */
  clear(): void {
    this.stopping?.abort();
    this.left.clear();
    this.take([], 0);
    [this.searched, this.more, this.tooLong, this.problem] = [null, false, 0, null];
  }

  /** Search; with `keep` the old list stays until the new one is whole. */
  async run(keep = false): Promise<void> {
    this.stopping?.abort();
    const query = this.query;
    if (!query.pattern) {
      this.clear();
      return;
    }
    const stop = (this.stopping = new AbortController());
    const texts = [...this.documents.open.values()]
      .filter(({ path, dirty, text }) => dirty && text.length <= LONGEST_TEXT && !isNotebook(path))
      .slice(0, MOST_TEXTS)
      .map(({ path, text }) => ({ path, text }));
    this.texts = new Map(texts.map(({ path, text }) => [path, text]));
    if (!keep || !this.isCurrent) this.left.clear();
    [this.running, this.stopped, this.problem, this.searched] = [true, false, null, query];
    if (!keep) this.take([], 0);
    const files: FoundFile[] = [];
    let last: session.Found | null = null;
    try {
      for await (const told of session.search(query, texts, stop.signal)) {
        last = told;
        for (const file of told.files) {
          const before = files.at(-1);
          if (before?.path === file.path)
            files[files.length - 1] = { ...before, matches: [...before.matches, ...file.matches] };
          else
            files.push({
              path: file.path,
              version: file.version ?? null,
              why: file.why ?? null,
              matches: file.matches,
              partial: false,
            });
        }
        if (!keep) this.take([...files], told.matches);
        [this.more, this.tooLong] = [told.more, told.too_long];
      }
      if (last?.type === 'failed') this.problem = last.text;
      else if (last?.type !== 'done') this.problem = `${BROKEN_OFF} Search again.`;
      if (keep) this.take(files, last?.matches ?? 0);
    } catch (error) {
      if (!isAbort(error)) this.problem = sentence(error);
      else if (this.stopping === stop) this.stopped = true;
    } finally {
      if (this.stopping === stop) this.running = false;
    }
  }

  /** Show what was found, without what a person has left out. */
  private take(files: FoundFile[], matches: number): void {
    let left = 0;
    this.found = files.flatMap((file) => {
      const rest = this.left.rest(file.path, file.matches);
      left += file.matches.length - rest.length;
      if (rest === file.matches) return [file];
      return rest.length > 0 ? [{ ...file, matches: rest, partial: true }] : [];
    });
    this.matches = matches - left;
    this.forgetNews();
  }

  /** Take a file, or a match of it, out of the list: it will not be replaced. */
  leaveOut(file: FoundFile, match: session.Match | null): void {
    this.left.add(file.path, match);
    const rest = match === null ? [] : file.matches.filter((one) => one !== match);
    this.matches -= file.matches.length - rest.length;
    this.found = this.found.flatMap((one) =>
      one !== file ? [one] : rest.length > 0 ? [{ ...one, matches: rest, partial: true }] : [],
    );
  }

  // What would stand there

  forgetNews(): void {
    this.round += 1;
    this.news.clear();
    this.asking.clear();
    this.previewProblem = null;
  }

  /** Ask what would stand in the place of the matches of files, where it isn't known yet. */
  async preview(paths: Iterable<string>): Promise<void> {
    const { searched, round } = this;
    const wanted = new Set(paths);
    const files = this.found
      .filter(({ path, version }) => version !== null && wanted.has(path) && !this.asking.has(path))
      .slice(0, PREVIEWED);
    if (searched === null || files.length === 0) return;
    for (const { path } of files) this.asking.add(path);
    const targets = files
      .filter(({ path }) => !this.texts.has(path))
      .map(({ path, version }) => ({ path, version: version ?? '' }));
    const texts = files.flatMap(({ path }) => {
      const text = this.texts.get(path);
      return text === undefined ? [] : [{ path, text }];
    });
    try {
      const found = await session.edits(searched, this.replacement, { targets, texts });
      if (round !== this.round) return;
      this.previewProblem = null;
      for (const { path, edits } of found)
        this.news.set(path, new Map(edits.map((edit) => [keyOf(edit), edit.new])));
    } catch (error) {
      if (round === this.round) this.previewProblem = sentence(error);
    }
  }

  // Replacing

  /** Replace matches of files: all of a file's, or one. What is passed over is in `last`. */
  async replace(files: FoundFile[], only: session.Match | null = null): Promise<Done | null> {
    const { searched, replacement } = this;
    if (searched === null || this.changing) return null;
    this.stopping?.abort();
    const stop = new AbortController();
    const all = files.length;
    this.changing = { text: 'Replacing', done: 0, all, stop };
    const done: Done = { files: 0, matches: 0, passed: [] };
    const targets: session.Target[] = [];
    const documents: Changed[] = [];
    let id: string | null = null;
    try {
      for (const file of files) {
        if (stop.signal.aborted) break;
        this.left.replaced(file.path, only ? [only] : file.matches);
        const at =
          only || file.partial
            ? (only ? [only] : file.matches).map(({ line, column }) => ({ line, column }))
            : null;
        const document = this.documents.open.get(file.path);
        if (file.version === null) done.passed.push({ path: file.path, why: file.why ?? CHANGED });
        else if (document?.dirty && isNotebook(file.path))
          done.passed.push({ path: file.path, why: NOT_SAVED });
        else if (document && !isNotebook(file.path) && (document.dirty || !document.mixed)) {
          const made = await this.inDocument(document, file.version, searched, replacement, at, done);
          if (made) documents.push(made);
        } else targets.push({ path: file.path, version: file.version, at });
      }
      const own = { files: done.files, matches: done.matches };
      if (targets.length > 0 && !stop.signal.aborted) {
        // Who stops it, or is cut off, isn't told of the last files: they are undone by an id that is known from the beginning.
        id = crypto.randomUUID();
        let last = '';
        for await (const told of session.replace(id, searched, replacement, targets, stop.signal)) {
          last = told.type;
          if (last !== 'progress') id = told.id ?? null;
          done.passed.push(...told.passed);
          [done.files, done.matches] = [own.files + told.files, own.matches + told.matches];
          this.changing = { text: 'Replacing', done: done.files + done.passed.length, all, stop };
          if (told.type === 'failed') this.problem = told.text;
        }
        if (last !== 'done' && last !== 'failed') this.problem = BROKEN_OFF;
      }
    } catch (error) {
      if (error instanceof RequestFailed && error.status >= 400 && error.status < 500) id = null; // refused
      if (!isAbort(error)) this.problem = sentence(error);
    } finally {
      this.changing = null;
    }
    if (id !== null || documents.length > 0) this.undoable = { id, documents };
    this.last = done;
    const { problem } = this;
    await this.documents.refreshAll();
    await this.run(true);
    this.problem ??= problem;
    return done;
  }

  /** Replace in a document that is open; what nobody has typed into is saved then. */
  private async inDocument(
    document: Document,
    version: string,
    query: session.Query,
    replacement: string,
    at: session.Position[] | null,
    done: Done,
  ): Promise<Changed | null> {
    const passOver = (why: string): null => {
      done.passed.push({ path: document.path, why });
      return null;
    };
    if (!document.writable) return passOver('You may not write it.');
    const typed = this.texts.get(document.path);
    if (typed === undefined && !document.dirty) await document.refresh();
    const { text: before, dirty } = document;
    if (typed === undefined ? dirty || document.read !== version : typed !== before) return passOver(CHANGED);
    const [found] = await session.edits(query, replacement, {
      texts: [{ path: document.path, text: before }],
    });
    if (!found || found.why) return passOver(found?.why ?? CHANGED);
    const wanted = at && new Set(at.map(keyOf));
    const edits = wanted ? found.edits.filter((edit) => wanted.has(keyOf(edit))) : found.edits;
    const changes = changesOf(before, edits);
    if (
      document.text !== before ||
      !changes ||
      changes.length === 0 ||
      (wanted && edits.length !== wanted.size)
    )
      return passOver(CHANGED);
    if (!this.change(document, changes)) return passOver(CHANGED);
    done.files += 1;
    done.matches += edits.length;
    const saved = !dirty && (await document.save());
    return {
      path: document.path,
      before,
      after: changed(before, changes),
      back: inverse(before, changes),
      saved,
    };
  }

  /** Change the text of a document, as one step that its editor can undo; return whether that could be. */
  private change(document: Document, changes: Change[]): boolean {
    const view = this.editors.get(document.path);
    if (!view) document.edit(changed(document.text, changes));
    else if (view.state.doc.toString() !== document.text) return false;
    else view.dispatch({ changes, userEvent: 'input.replace', annotations: isolateHistory.of('full') });
    return true;
  }

  /** Undo the last replacement, where nobody has changed anything since. */
  async undo(): Promise<Done | null> {
    const { undoable } = this;
    if (!undoable || this.changing) return null;
    const stop = new AbortController();
    this.changing = { text: 'Bringing back', done: 0, all: this.last?.files ?? 0, stop };
    this.undoable = null;
    const done: Done = { files: 0, matches: 0, passed: [] };
    const left: Changed[] = [];
    let id: string | null = null;
    try {
      for (const one of undoable.documents) {
        const { why, again } = await this.bringBack(one);
        if (again) left.push(one);
        if (why) done.passed.push({ path: one.path, why });
        else [done.files, done.matches] = [done.files + 1, done.matches + one.back.length];
      }
      const own = { files: done.files, matches: done.matches };
      if (undoable.id !== null) {
        let last = '';
        for await (const told of session.undo(undoable.id, stop.signal)) {
          last = told.type;
          id = told.id ?? null;
          done.passed.push(...told.passed);
          [done.files, done.matches] = [own.files + told.files, own.matches + told.matches];
          if (last === 'failed') this.problem = told.text;
        }
        if (last !== 'done' && last !== 'failed') throw new RequestFailed(BROKEN_OFF, 0);
      }
      // What couldn't be brought back for a reason that may pass is brought back another time.
      if (id !== null || left.length > 0) this.undoable = { id, documents: left };
    } catch (error) {
      this.undoable = undoable; // what is back already is left alone the next time
      if (!isAbort(error)) this.problem = sentence(error);
    } finally {
      this.changing = null;
    }
    this.last = done;
    const { problem } = this;
    await this.documents.refreshAll();
    if (this.searched !== null) await this.run(true);
    this.problem ??= problem;
    return done;
  }

  /** Bring a document's text back; return why not, and whether it may be another time. */
  private async bringBack({
    path,
    before,
    after,
    back,
    saved,
  }: Changed): Promise<{ why: string | null; again: boolean }> {
    const document = this.documents.open.get(path);
    const done = { why: null, again: false };
    const since = { why: 'It has been changed since, and is left as it is.', again: false };
    if (document) {
      if (document.text === before) return done;
      if (document.text !== after || !this.change(document, back)) return since;
      if (!saved || (await document.save())) return done;
      const { problem } = document;
      const why = problem?.kind === 'failed' ? problem.message : 'the file has changed since.';
      return { why: `It is back in its editor, and not saved: ${why}`, again: false };
    }
    if (!saved)
      return {
        why: 'It was closed before it was saved: what was typed is kept in this browser. Open it and undo again.',
        again: true,
      };
    try {
      const now = await contents.readText(path);
      const text = now.text.replaceAll('\r\n', '\n');
      if (text === before) return done;
      if (text !== after) return since;
      await contents.writeText(
        path,
        now.text.includes('\r\n') ? before.replaceAll('\n', '\r\n') : before,
        now.hash,
      );
      return done;
    } catch (error) {
      if (error instanceof contents.VersionConflict) return since;
      const gone = error instanceof RequestFailed && error.status === 404;
      return { why: sentence(error), again: !gone };
    }
  }
}
