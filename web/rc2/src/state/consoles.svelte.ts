/** Transcripts of consoles, made from the server's events alone: the same events give the same transcript. */

import type {
  ConsoleEvent,
  ConsoleInfo,
  ConsoleState,
  ExecutionStatus,
  Rich,
  Source,
} from '../protocol/messages.ts';
import type { Summary } from './spark.svelte.ts';
import { print } from '../output/ansi.ts';

export type Output =
  | {
      key: number;
      kind: 'text';
      stream: 'stdout' | 'stderr';
      text: string;
      column: number | null;
      cut: boolean;
    }
  | { key: number; kind: 'display'; display: string | null; result: boolean; rich: Rich }
  | { key: number; kind: 'error'; name: string; message: string; traceback: string[] }
  | { key: number; kind: 'plot'; plot: string | null; rich: Rich }
  | { key: number; kind: 'profile'; blob: string | null; seconds: number; problem: string | null }
  | { key: number; kind: 'answer'; prompt: string; value: string | null };

export type Status = 'queued' | 'running' | ExecutionStatus;

export class Execution {
  status: Status = $state('queued');
  outputs: Output[] = $state([]);
  queued = '';
  started: string | null = $state(null);
  finished: string | null = $state(null);
  /** Why it was lost, in a sentence. */
  reason: string | null = $state(null);
  /** Characters of output that were too many to be recorded. */
  dropped = $state(0);
  /** What Spark has computed for it. */
  spark: Summary | null = $state.raw(null);
  private clearing = false;
  private nextKey = 0;

  constructor(
    readonly id: string,
    readonly code: string,
    readonly who: string,
    readonly source: Source | null,
  ) {}

  get open(): boolean {
    return this.status === 'queued' || this.status === 'running';
  }

  add(output: Fresh): void {
    if (this.clearing) {
      this.outputs = [];
      this.clearing = false;
    }
    this.nextKey += 1;
    this.outputs.push({ ...output, key: this.nextKey });
    if (this.outputs.length > MOST_OUTPUTS) this.outputs.splice(0, this.outputs.length - MOST_OUTPUTS);
  }

  print(stream: 'stdout' | 'stderr', text: string): void {
    const last = this.clearing ? undefined : this.outputs.at(-1);
    if (last?.kind === 'text' && last.stream === stream) {
      Object.assign(last, print(last, text));
      shorten(last);
    } else {
      const output = {
        kind: 'text' as const,
        stream,
        cut: false,
        ...print({ text: '', column: null }, text),
      };
      shorten(output);
      this.add(output);
    }
  }

  clear(wait: boolean): void {
    if (wait) this.clearing = true;
    else this.outputs = [];
  }
}

type Fresh = Output extends infer One ? (One extends Output ? Omit<One, 'key'> : never) : never;

const MOST_EXECUTIONS = 2000;
const MOST_OUTPUTS = 2000;
const MOST_TEXT = 400_000; // characters of one output that are shown

function shorten(output: { text: string; cut: boolean }): void {
  if (output.text.length <= MOST_TEXT) return;
  const from = output.text.length - MOST_TEXT / 2;
  output.text = output.text.slice(output.text.indexOf('\n', from) + 1 || from);
  output.cut = true;
}

export interface InputRequest {
  prompt: string;
  password: boolean;
}

export class Console {
  state: ConsoleState = $state('starting');
  executions: Execution[] = $state.raw([]);
  request: InputRequest | null = $state(null);
  /** Why it is in this state, where the person did not cause it. */
  reason: string | null = $state(null);
  /** When it became busy, in milliseconds since 1970. */
  busySince: number | null = $state(null);
  private readonly byId = new Map<string, Execution>();

  constructor(
    readonly id: string,
    readonly kernelspec: string,
    readonly title: string,
    readonly language: string,
    readonly project: string,
    readonly kernel: string,
  ) {}

  get running(): Execution | null {
    return this.executions.findLast(({ status }) => status === 'running') ?? null;
  }

  get queue(): Execution[] {
    return this.executions.filter(({ status }) => status === 'queued');
  }

  /** Return an execution; one that began before the log does is shown without its code. */
  execution(id: string): Execution {
    return this.byId.get(id) ?? this.begin(new Execution(id, '', '', null));
  }

  begin(execution: Execution): Execution {
    this.byId.set(execution.id, execution);
    const all = [...this.executions, execution];
    for (const old of all.slice(0, -MOST_EXECUTIONS)) old.outputs = []; // it is shown no more
    this.executions = all.slice(-MOST_EXECUTIONS);
    return execution;
  }

  known(id: string): Execution | undefined {
    return this.byId.get(id);
  }

  /** Take the transcript away; what runs stays. */
  clear(): void {
    this.executions = this.executions.filter(({ open }) => open);
    for (const id of this.byId.keys())
      if (!this.executions.some((execution) => execution.id === id)) this.byId.delete(id);
  }
}

type Begun = Pick<ConsoleInfo, 'console' | 'kernelspec' | 'title' | 'language' | 'project' | 'kernel'>;

export class Consoles {
  all: Console[] = $state.raw([]);
  /** Whether what was recorded before this page came has been heard: until then a question may be answered long since. */
  current = $state(false);
  /** The number of the last of these events; null before the first welcome. */
  private told: number | null = null;
  private readonly listeners = new Set<(event: ConsoleEvent) => void>();

  get(id: string): Console | undefined {
    return this.all.find((console) => console.id === id);
  }

  /** Return what was run of a file, in all consoles. */
  of(path: string): Execution[] {
    return this.all.flatMap(({ executions }) => executions.filter(({ source }) => source?.path === path));
  }

  /** Hear of every event after it was applied. */
  listen(listener: (event: ConsoleEvent) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** Take the number of the last event that is recorded. */
  greet(last: number): void {
    this.told ??= last;
    if (last === 0) this.current = true;
  }

  /** Take that an event was heard. */
  heard(number: number): void {
    if (this.told !== null && number >= this.told) this.current = true;
  }

  /** Forget everything: the log begins anew. */
  reset(): void {
    this.all = [];
    this.current = false;
    this.told = null;
  }

  /** Add a console that runs, unless it is known. */
  add({ console: id, kernelspec, title, language, project, kernel }: Begun): void {
    if (!this.get(id))
      this.all = [...this.all, new Console(id, kernelspec, title, language, project, kernel)];
  }

  apply(event: ConsoleEvent): void {
    if (event.type === 'console_started') this.add(event);
    else {
      const console = this.get(event.console);
      if (console) applyTo(console, event);
    }
    for (const listener of this.listeners) listener(event);
  }
}

function applyTo(console: Console, event: Exclude<ConsoleEvent, { type: 'console_started' }>): void {
  if (event.type === 'console_state') {
    console.state = event.state;
    console.reason = event.reason;
    if (event.state !== 'busy' && event.state !== 'asking') console.busySince = null;
    else console.busySince ??= Date.parse(event.time);
    if (event.state !== 'asking' && event.state !== 'busy') console.request = null;
    return;
  }
  if (event.type === 'execution_queued') {
    if (console.known(event.execution)) return;
    const execution = new Execution(event.execution, event.code, event.who, event.source);
    execution.queued = event.time;
    console.begin(execution);
    return;
  }
  if (event.type === 'update_display') {
    for (const { outputs } of console.executions)
      for (const output of outputs)
        if (output.kind === 'display' && output.display === event.display) output.rich = richOf(event);
    return;
  }
  const execution = console.execution(event.execution);
  switch (event.type) {
    case 'execution_started':
      execution.status = 'running';
      execution.started = event.time;
      break;
    case 'execution_finished':
      execution.status = event.status;
      execution.finished = event.time;
      execution.reason = event.reason;
      execution.dropped = event.dropped;
      console.request = null;
      break;
    case 'stream':
      execution.print(event.name, event.text);
      break;
    case 'display':
      execution.add({ kind: 'display', display: event.display, result: event.result, rich: richOf(event) });
      break;
    case 'plot':
      execution.add({ kind: 'plot', plot: event.plot, rich: richOf(event) });
      break;
    case 'error':
      execution.add({
        kind: 'error',
        name: event.name,
        message: event.message,
        traceback: [...event.traceback],
      });
      break;
    case 'input_request':
      console.request = { prompt: event.prompt, password: event.password };
      break;
    case 'input_replied':
      execution.add({ kind: 'answer', prompt: console.request?.prompt ?? '', value: event.value });
      console.request = null;
      break;
    case 'spark_summary':
      execution.spark = event;
      break;
    case 'profiled':
      execution.add({
        kind: 'profile',
        blob: event.blob?.sha256 ?? null,
        seconds: event.seconds,
        problem: event.problem,
      });
      break;
    case 'clear_output':
      execution.clear(event.wait);
      break;
  }
}

const richOf = ({ seq, data, blobs, metadata }: Rich): Rich => ({ seq, data, blobs, metadata });
