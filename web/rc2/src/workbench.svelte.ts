/** Puts together what the panes show and what commands do. */

import type { CompletionContext, CompletionResult } from '@codemirror/autocomplete';
import type { EditorView } from '@codemirror/view';
import { toasts } from '@rsparkhub/ui';
import { codeViewAtFocus } from './commands/focus.ts';
import { Registry } from './commands/registry.svelte.ts';
import { unrecorded } from './editor/notebook.ts';
import { chosen } from './state/kernels.ts';
import { pieceAtCursor, chunkName, meantChunks, type Piece } from './editor/actions.ts';
import { toggleBreakpoint } from './editor/breakpoints.ts';
import { chunks, hasChunks, type Chunk } from './editor/chunks.ts';
import { languageOf } from './editor/languages.ts';
import { isNotebook } from './editor/notebook.ts';
import { Link, type Situation } from './protocol/link.ts';
import type {
  BreakpointAt,
  HelpRequest,
  Notice,
  Profile,
  RenderFormat,
  Source,
  SparkJob,
  StackFrame,
  Step,
} from './protocol/messages.ts';
import { base, requestJson, socketAddress } from './session/base.ts';
import * as contents from './session/contents.ts';
import * as rc2 from './session/rc2.ts';
import { Checks } from './state/checks.svelte.ts';
import { Consoles, type Console } from './state/consoles.svelte.ts';
import { Debugger } from './state/debugger.svelte.ts';
import { Documents } from './state/documents.svelte.ts';
import { Drafts } from './state/drafts.ts';
import { endText, Jobs, type Job } from './state/jobs.svelte.ts';
import { plots } from './state/plots.svelte.ts';
import { Search } from './state/search.svelte.ts';
import { Spark } from './state/spark.svelte.ts';
import { settings } from './state/settings.svelte.ts';
import { Variables } from './state/variables.svelte.ts';

export interface Kernelspec {
  name: string;
  title: string;
  language: string;
}

/** What shows a pane, made where the panes are. */
export interface Panes {
  show(pane: string): void;
  focus(pane: string): void;
  openDocument(path: string, focused?: boolean): void;
  closeDocument(path: string): void;
  openSheet(console: string, name: string, path: (string | number)[]): void;
  openTerminal(name?: string): void;
  /** Open what is read at length beside the documents; the same once more is shown again. */
  open(component: string, title: string, props: object): void;
  toggle(side: 'left' | 'bottom' | 'right'): void;
  maximize(): void;
  split(): void;
  reset(): void;
  step(what: 'pane' | 'tab', by: 1 | -1): void;
}

export interface EditorHandle {
  view: EditorView;
  path: string;
}

interface Config {
  hub: string;
  home?: string;
  user?: string;
  /** Languages of the session's kernels. */
  languages?: string[];
  /** Documents of the home of which the first that is there is open at first. */
  documents?: string[];
}

/** Characters of a selection that are searched for in files. */
const LONGEST_SELECTION = 1000;

class Workbench {
  readonly registry = new Registry();
  readonly consoles = new Consoles();
  readonly variables = new Variables();
  readonly jobs = new Jobs(base.pathname, (job) => this.tellOf(job));
  readonly spark = new Spark();
  readonly debug = new Debugger();
  readonly editors = new Map<string, EditorView>();
  readonly documents = new Documents(new Drafts(base.pathname), {
    runs: (path) => this.consoles.of(path),
    change: (path, changes) => {
      this.editors.get(path)?.dispatch(unrecorded(changes));
      return this.editors.has(path);
    },
    tell: (text) => toasts.show(text, { meaning: 'warning' }),
  });
  readonly checks = new Checks(
    () => this.config.home ?? '/',
    (path, line) => void this.openDocument(path, line),
  );
  readonly search = new Search(this.documents, this.editors);
  situation: Situation = $state('connecting');
  kernelspecs: Kernelspec[] = $state.raw([]);
  config: Config = $state.raw({ hub: '/hub/' });
  /** The console whose transcript and variables are shown. */
  shownConsole: string | null = $state(null);
  /** Path and line, from 0, of the cursor in the active editor. */
  cursor: { path: string; line: number } = $state.raw({ path: '', line: 0 });
  /** The help that is asked for. */
  help: { wanted: HelpRequest; number: number } = $state.raw({ wanted: {}, number: 0 });
  /** What is put into the console's input. */
  recalled: { code: string; number: number } = $state.raw({ code: '', number: 0 });
  dialog: 'palette' | 'files' | 'keys' | 'settings' | 'history' | null = $state(null);
  preview: string | null = $state(null);
  /** Grows when the file that is previewed was made anew. */
  previewVersion = $state(0);
  /** The render that was asked for here, whose result is shown when it is there. */
  private rendering: string | null = null;
  /** The profile that is shown, whose times stand beside the lines of its documents. */
  profile: Profile | null = $state.raw(null);
  /** Executions whose profiles were asked for here, and are shown when they are there. */
  private readonly profiling = new Set<string>();
  panes: Panes | null = null;
  private configuring: Promise<Config> | null = null;
  private waitingStarts = new Set<string>();
  private waitingRuns: { kernelspec: string; run: (console: Console) => void }[] = [];
  private subscribed = new Set<string>();
  private readonly link = new Link({
    open: () => new WebSocket(socketAddress('rc2/api/socket')),
    event: (event) => {
      this.consoles.heard(event.seq);
      if ('job' in event) {
        this.jobs.apply(event);
        return;
      }
      this.consoles.apply(event);
      if (event.type === 'profiled') this.profiled(event.execution, event.blob?.sha256 ?? null);
      plots.take(event);
      if (event.type === 'console_started') this.consoleStarted(event.console);
    },
    notice: (notice) => this.take(notice),
    reset: () => {
      this.consoles.reset();
      plots.clear();
      this.jobs.reset();
      this.spark.reset();
      this.subscribed.clear();
    },
    changed: (situation) => {
      this.situation = situation;
      // What a connection subscribed to ends with it.
      if (situation !== 'open') this.subscribed.clear();
      else {
        void this.documents.refreshAll();
        if (this.shownConsole) this.subscribe(this.shownConsole);
      }
    },
  });

  get console(): Console | null {
    const shown = this.shownConsole === null ? undefined : this.consoles.get(this.shownConsole);
    return shown ?? this.consoles.all[0] ?? null;
  }

  /** The editor that keys and commands are about. */
  get editor(): EditorHandle | null {
    const path = this.documents.active;
    const view = path === null ? undefined : this.editors.get(path);
    return path !== null && view ? { view, path } : null;
  }

  async start(): Promise<void> {
    this.registry.own = settings.values.keys;
    void this.followSettings();
    window.addEventListener('online', () => this.link.retry());
    document.addEventListener('visibilitychange', () => {
      if (document.hidden) void this.documents.keepAll();
      else {
        this.link.retry();
        void this.documents.refreshAll();
        void settings.refresh().then(
          () => (this.registry.own = settings.values.keys),
          () => undefined, // the session is away, which the page says
        );
      }
    });
    window.addEventListener('pagehide', () => void this.documents.keepAll());
    this.link.start();
    const [config] = await Promise.allSettled([this.configured(), this.loadKernelspecs()]);
    if (config.status === 'fulfilled') this.config = config.value;
  }

  /** Return what the session says of itself; it is asked for once. */
  configured(): Promise<Config> {
    return (this.configuring ??= requestJson<Config>('rc2/config.json'));
  }

  /** Go on with what the person prefers in all of their sessions. */
  private async followSettings(): Promise<void> {
    try {
      const note = await settings.follow(rc2.preferences);
      if (note !== null) toasts.show(note, { meaning: 'warning' });
      this.registry.own = settings.values.keys;
    } catch {
      // What this browser has goes on.
    }
  }

  private async loadKernelspecs(): Promise<void> {
    interface Specs {
      default: string;
      kernelspecs: Record<string, { name: string; spec: { display_name: string; language: string } }>;
    }
    const found = await requestJson<Specs>('api/kernelspecs');
    this.kernelspecs = Object.values(found.kernelspecs)
      .map(({ name, spec }) => ({ name, title: spec.display_name, language: spec.language.toLowerCase() }))
      .sort((one, other) => Number(other.language === 'r') - Number(one.language === 'r'));
    const first = this.kernelspecs[0];
    if (first && this.consoles.all.length === 0) this.startConsole(first.name);
  }

  retry(): void {
    this.link.retry();
  }

  startConsole(kernelspec: string): void {
    if (this.waitingStarts.has(kernelspec)) return;
    this.waitingStarts.add(kernelspec);
    this.link.send({ type: 'start_console', kernelspec, project: '' });
  }

  /** Call `run` with a console of a language, and of a kernel if the session has it; start one if there is none yet. */
  withConsole(language: string, run: (console: Console) => void, kernel: string | null = null): void {
    const running = this.consoles.all.filter(({ state }) => state !== 'ended');
    const { console: there, kernelspec: spec } = chosen(running, this.kernelspecs, language, kernel);
    if (there) {
      run(there);
      return;
    }
    if (!spec) {
      toasts.show(`This session has no ${language} to run this with.`, { meaning: 'warning' });
      return;
    }
    this.waitingRuns.push({ kernelspec: spec.name, run });
    this.startConsole(spec.name);
  }

  private consoleStarted(id: string): void {
    const console = this.consoles.get(id);
    if (!console) return;
    this.waitingStarts.delete(console.kernelspec);
    if (this.shownConsole === null) this.showConsole(id);
    const waiting = this.waitingRuns.filter((one) => one.kernelspec === console.kernelspec);
    this.waitingRuns = this.waitingRuns.filter((one) => one.kernelspec !== console.kernelspec);
    for (const { run } of waiting) run(console);
  }

  showConsole(id: string): void {
    this.shownConsole = id;
    this.subscribe(id);
  }

  private subscribe(id: string): void {
    if (this.subscribed.has(id)) return;
    this.subscribed.add(id);
    this.link.send({ type: 'subscribe_variables', console: id });
  }

  private take(notice: Notice): void {
    if (notice.type === 'variables') this.variables.take(notice);
    else if (notice.type === 'spark_progress') this.spark.take(notice);
    else if (notice.type === 'breakpoints') this.debug.takeBreakpoints(notice);
    else if (notice.type === 'debugger') {
      this.debug.take(notice);
      if (notice.stopped && notice.console === this.console?.id)
        this.showWhere(this.debug.frame(notice.console));
    } else if (notice.type === 'welcome') {
      this.debug.reset();
      this.jobs.greet(notice.epoch, notice.last, notice.jobs);
      this.consoles.greet(notice.last);
      for (const info of notice.consoles) {
        this.consoles.add(info);
        const console = this.consoles.get(info.console);
        if (console) console.state = info.state;
        this.consoleStarted(info.console);
      }
    } else if (notice.type === 'console_opened') this.consoleStarted(notice.console);
    else if (notice.type === 'refused' && notice.request !== 'hello') {
      if (notice.request === 'set_breakpoints') this.debug.refused += 1;
      toasts.show(notice.why, { meaning: 'warning' });
    }
  }

  /** Run code in a console, and return the execution's id. */
  execute(console: Console, code: string, source?: Source, group?: string, profile = false): string {
    const id = crypto.randomUUID();
    this.link.send({
      type: 'execute',
      id,
      console: console.id,
      code,
      ...(source ? { source } : {}),
      ...(group ? { group } : {}),
      ...(profile ? { profile } : {}),
    });
    return id;
  }

  answer(console: Console, value: string): void {
    this.link.send({ type: 'input_reply', console: console.id, value });
  }

  interrupt(console = this.console): void {
    if (console) this.link.send({ type: 'interrupt', console: console.id });
  }

  restart(console = this.console): void {
    if (console) this.link.send({ type: 'restart', console: console.id });
  }

  cancel(console: Console, execution: string): void {
    this.link.send({ type: 'cancel', console: console.id, execution });
  }

  // Jobs

  /** Save the document in the editor, and run it in the background, or render it. */
  async startJob(format?: RenderFormat): Promise<string | null> {
    const document = this.documents.current;
    if (!document) return null;
    if (document.dirty) await document.save();
    if (document.dirty) return null; // why it could not be saved is shown already
    const id = crypto.randomUUID();
    this.link.send({ type: 'start_job', id, path: document.path, ...(format ? { format } : {}) });
    this.jobs.chosen = id;
    return id;
  }

  /** Render the document in the editor: in a form, or in that of its last render. */
  async render(format?: RenderFormat): Promise<void> {
    const path = this.documents.active ?? '';
    const id = await this.startJob(format ?? this.jobs.renderOf(path)?.format ?? 'html');
    if (id === null) return;
    this.rendering = id;
    this.preview = null;
    this.panes?.show('preview');
  }

  /** Show where a job has failed. The lines of a notebook are those of its text, and not of its file. */
  async openFailure({ path, line }: Job): Promise<void> {
    await this.openDocument(path);
    if (line !== null) this.goTo(path, line);
  }

  /** Show what a job has made. */
  openResult(job: Job): void {
    if (job.result === null) return;
    if (isNotebook(job.result)) void this.openDocument(job.result);
    else {
      this.preview = job.result;
      this.panes?.show('preview');
    }
  }

  cancelJob(job: Job): void {
    this.link.send({ type: 'cancel_job', job: job.id });
  }

  cancelSpark({ application, job }: SparkJob): void {
    this.link.send({ type: 'cancel_spark', application, job });
  }

  // The debugger

  setBreakpoints(path: string, breakpoints: BreakpointAt[]): void {
    this.link.send({ type: 'set_breakpoints', path, breakpoints });
  }

  removeBreakpoint(path: string, line: number): void {
    this.setBreakpoints(
      path,
      this.debug.of(path).filter((each) => each.line !== line),
    );
  }

  /** Set a breakpoint in the line of the cursor, or take it away. */
  toggleBreakpoint(): void {
    const editor = this.editor;
    if (!editor) return;
    const { doc, selection } = editor.view.state;
    this.setBreakpoints(editor.path, toggleBreakpoint(editor.view, doc.lineAt(selection.main.head).number));
  }

  breakOnError(on: boolean): void {
    this.link.send({ type: 'break_on_error', on });
  }

  step(step: Step): void {
    const stopped = this.debug.stopped(this.console?.id);
    if (this.console && stopped)
      this.link.send({ type: 'step', console: this.console.id, step, stop: stopped.stop });
  }

  chooseFrame(console: string, frame: StackFrame): void {
    this.debug.choose(console, frame.frame);
    this.showWhere(frame);
  }

  /** Show the file in which code waits, unless the person writes in another one: keys are about the one that is shown. */
  private showWhere(frame: StackFrame | null): void {
    if (frame?.path === null || frame?.path === undefined) return;
    const { path } = frame;
    void this.documents.get(path).then(
      () => {
        const view = codeViewAtFocus();
        if ([...this.editors].some(([other, one]) => one === view && other !== path)) return;
        this.documents.active = path;
        this.panes?.openDocument(path, false);
      },
      () => undefined, // it is there no more, and the pane of the debugger says which it was
    );
  }

  /** Show that a job has ended, also to who looks at another page. */
  private tellOf(job: Job): void {
    if (job.id === this.rendering && job.result !== null) {
      this.preview = job.result;
      this.previewVersion += 1;
      this.panes?.show('preview');
    }
    const text = endText(job);
    const show = (): void => {
      this.jobs.chosen = job.id;
      this.panes?.show('jobs');
    };
    toasts.show(text, {
      meaning: job.status === 'ok' ? 'good' : job.status === 'cancelled' ? 'neutral' : 'bad',
      action: { text: 'Show', run: show },
    });
    if (!document.hidden || !('Notification' in window) || Notification.permission !== 'granted') return;
    const notification = new Notification(text, { tag: job.id, body: job.reason ?? '' });
    notification.addEventListener('click', () => {
      window.focus();
      show();
    });
  }

  // What is run from an editor

  private runPiece(path: string, piece: Piece, group?: string, profile = false): void {
    const source: Source = { path, first_line: piece.first, last_line: piece.last, chunk: piece.chunk };
    const run = (console: Console): void => {
      this.showConsole(console.id);
      const id = this.execute(console, piece.code, source, group, profile);
      if (profile) this.profiling.add(id);
    };
    this.withConsole(piece.language, run, this.documents.open.get(path)?.notebook?.kernel);
  }

  /** Run what is selected, or the statement at the cursor, and show where its time and memory went. */
  profileAtCursor(): void {
    const editor = this.editor;
    const piece = editor ? pieceAtCursor(editor.view, editor.path) : null;
    if (!editor || !piece) {
      toasts.show('There is no code to profile here. Select some, or go to a statement.');
      return;
    }
    if (piece.language !== 'r' && piece.language !== 'python') {
      toasts.show('Code of R and of Python is profiled here, and this is neither.', { meaning: 'warning' });
      return;
    }
    this.runPiece(editor.path, piece, undefined, true);
  }

  private profiled(execution: string, blob: string | null): void {
    if (this.profiling.delete(execution) && blob !== null) this.showProfile(blob);
  }

  showProfile(blob: string): void {
    this.panes?.open('profile', 'Profile', { blob });
  }

  /** Run the statement at the cursor, or what is selected, and go on to the next one. */
  runAtCursor(advance = true): void {
    const editor = this.editor;
    if (!editor) return;
    const { view, path } = editor;
    this.documents.open.get(path)?.nameCells();
    const piece = pieceAtCursor(view, path);
    if (!piece) return;
    if (!settings.values.hinted) settings.set({ hinted: true });
    this.runPiece(path, piece);
    if (advance && view.state.selection.main.empty)
      view.dispatch({ selection: { anchor: piece.next }, scrollIntoView: true });
  }

  private runChunks(path: string, all: Chunk[], chosen: Chunk[]): void {
    const group = crypto.randomUUID();
    for (const chunk of chosen)
      if (chunk.code.trim() !== '')
        this.runPiece(
          path,
          {
            code: chunk.code,
            language: chunk.language,
            first: chunk.from + 1,
            last: Math.max(chunk.from + 1, chunk.to),
            chunk: chunkName(all, chunk),
            next: 0,
          },
          group,
        );
  }

  /** Run the chunk at a line, or with `above` all that are before it. */
  runChunk(path: string, view: EditorView, line: number, which: 'this' | 'above' | 'all' = 'this'): void {
    const before = chunks(view.state.doc.toString());
    const meant = new Set(meantChunks(before, line, which).map((chunk) => before.indexOf(chunk)));
    this.documents.open.get(path)?.nameCells(); // lines are others then, and the chunks the same
    const all = chunks(view.state.doc.toString());
    this.runChunks(
      path,
      all,
      all.filter((_, at) => meant.has(at)),
    );
  }

  /** Run the whole file. */
  runFile(): void {
    const editor = this.editor;
    if (!editor) return;
    const { view, path } = editor;
    if (hasChunks(path)) this.runChunk(path, view, 0, 'all');
    else
      this.runPiece(path, {
        code: view.state.doc.toString(),
        language: languageOf(path),
        first: 1,
        last: view.state.doc.lines,
        chunk: null,
        next: 0,
      });
  }

  /** Run from the beginning to the cursor. */
  runToCursor(): void {
    const editor = this.editor;
    if (!editor) return;
    const { view, path } = editor;
    const line = view.state.doc.lineAt(view.state.selection.main.head);
    if (hasChunks(path)) this.runChunk(path, view, line.number - 1, 'above');
    else
      this.runPiece(path, {
        code: view.state.sliceDoc(0, line.to),
        language: languageOf(path),
        first: 1,
        last: line.number,
        chunk: null,
        next: 0,
      });
  }

  /** Bring the file in the editor, or the chunk at the cursor, into the form of its language. */
  async reformat(): Promise<void> {
    if (this.editor) await this.checks.reformat(this.editor.view, this.editor.path);
  }

  /** Go to where the name at the cursor gets its value. */
  async goToDefinition(): Promise<void> {
    if (this.editor) await this.checks.goToDefinition(this.editor.view, this.editor.path);
  }

  /** Give what is named at the cursor another name in all of the file. */
  async rename(): Promise<void> {
    if (this.editor) await this.checks.rename(this.editor.view, this.editor.path);
  }

  // Files

  async openDocument(path: string, line?: number, range?: { column: number; length: number }): Promise<void> {
    try {
      await this.documents.get(path);
    } catch (problem) {
      toasts.show(problem instanceof Error ? problem.message : String(problem), { meaning: 'bad' });
      return;
    }
    this.documents.active = path;
    this.panes?.openDocument(path);
    // A line that was found in a notebook's file is none of its text.
    if (line !== undefined && !isNotebook(path)) this.goTo(path, line, range);
  }

  /** Open what the address of the page says, once: a reload goes on with what is open then. */
  async openLinked(): Promise<void> {
    const address = new URL(location.href);
    const path = address.searchParams.get('open');
    if (path === null) return;
    address.searchParams.delete('open');
    history.replaceState(history.state, '', address);
    if (await contents.isFolder(path)) this.panes?.show('files');
    else await this.openDocument(path);
  }

  /** Search in files: for what is selected, or in a folder. */
  searchInFiles(asked: { replacing?: boolean; folder?: string } = {}): void {
    const focused = codeViewAtFocus();
    const { from, to } = focused?.state.selection.main ?? { from: 0, to: 0 };
    const selected = focused?.state.sliceDoc(from, Math.min(to, from + LONGEST_SELECTION)) ?? '';
    if (selected && !selected.includes('\n')) {
      this.search.pattern = selected;
      this.search.regex = false;
    }
    if (asked.replacing) this.search.replacing = true;
    if (asked.folder !== undefined) this.search.folder = asked.folder;
    this.panes?.show('search');
    this.search.asked += 1;
  }

  /** Go to a line, and select what lies from a column of it on. */
  goTo(path: string, line: number, range?: { column: number; length: number }): void {
    // The editor of a document that was just opened is drawn in the next frame.
    requestAnimationFrame(() => {
      const view = this.editors.get(path);
      if (!view) return;
      const at = view.state.doc.line(Math.min(Math.max(1, line), view.state.doc.lines));
      const anchor = Math.min(at.to, at.from + (range?.column ?? 0));
      const head = Math.min(at.to, anchor + (range?.length ?? 0));
      view.dispatch({ selection: { anchor, head }, scrollIntoView: true });
      view.focus();
    });
  }

  showHelp(wanted: HelpRequest): void {
    this.help = { wanted, number: this.help.number + 1 };
    this.panes?.show('help');
  }

  recall(code: string): void {
    this.recalled = { code, number: this.recalled.number + 1 };
    this.panes?.focus('console');
  }

  /** Return what may stand at the cursor: what the language knows, and snippets. */
  async complete(
    context: CompletionContext,
    language: string,
    whole: string,
  ): Promise<CompletionResult | null> {
    const word = context.matchBefore(/[\p{L}\p{N}._]*$/u);
    const typed = word ? word.to - word.from : 0;
    const before = context.matchBefore(/[$@:(["'/]$/);
    if (typed < 2 && !before && !context.explicit) return null;
    const console = this.consoles.all.find((one) => one.language.toLowerCase() === language);
    const own = (await import('./editor/snippets.ts')).snippets[language] ?? [];
    if (!console || console.state !== 'idle')
      return typed > 0
        ? { from: word?.from ?? context.pos, options: own, validFor: /^[\p{L}\p{N}._]*$/u }
        : null;
    const stop = new AbortController();
    context.addEventListener('abort', () => stop.abort());
    try {
      const points = Array.from(whole.slice(0, context.pos)).length;
      const found = await rc2.complete(console.id, whole, points, stop.signal);
      const from = Array.from(whole).slice(0, found.start).join('').length;
      return {
        from,
        options: [
          ...found.completions.map(({ text, type }) => ({ label: text, ...(type ? { detail: type } : {}) })),
          ...(from === word?.from && typed > 0 ? own : []),
        ],
        validFor: /^[\p{L}\p{N}._]*$/u,
      };
    } catch {
      return null;
    }
  }
}

export const workbench = new Workbench();
