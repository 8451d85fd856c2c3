/** The log of one part of a session, followed until no more can come. */
import { writable, type Readable } from 'svelte/store';
import { Log } from '@rsparkhub/ui';
import { Problem, errorMessage, type Api } from './api.ts';

export type LogStatus =
  | { kind: 'connecting' }
  | { kind: 'live' }
  | { kind: 'ended' }
  | { kind: 'none' }
  | { kind: 'problem'; text: string };

export interface LogShown {
  lines: string[];
  left: number;
  status: LogStatus;
}

const RETRY_DELAY = 1_500; // ms
const POLL_DELAY = 3_000; // ms
/** ms between two updates of what is shown, however fast lines come. */
const UPDATE_INTERVAL = 120;

/** How a log is followed: by a connection that stays open, or by reading it again from time to time. */
export type LogMode = 'stream' | 'poll';

export class LogStream {
  readonly #api: Pick<Api, 'followLog' | 'readLog'>;
  readonly #shown = writable<LogShown>({ lines: [], left: 0, status: { kind: 'connecting' } });
  #abort: AbortController | null = null;
  #followed: string | null = null;
  #log = new Log();
  #status: LogStatus = { kind: 'connecting' };
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(api: Pick<Api, 'followLog' | 'readLog'>) {
    this.#api = api;
  }

  get shown(): Readable<LogShown> {
    return this.#shown;
  }

  /** Follow the log of this part, and no other; `mayGrow` returns whether more can come after the stream's end. */
  follow(id: string, part: string, mayGrow: () => boolean, mode: LogMode = 'stream'): void {
    this.stop();
    // The same log again keeps standing until it was read anew.
    const followed = `${id} ${part}`;
    if (followed !== this.#followed) {
      this.#followed = followed;
      this.#log = new Log();
      this.#set({ kind: 'connecting' });
    }
    const abort = new AbortController();
    this.#abort = abort;
    void this.#run(id, part, mayGrow, mode, abort.signal);
  }

  stop(): void {
    this.#abort?.abort();
    this.#abort = null;
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  async #run(
    id: string,
    part: string,
    mayGrow: () => boolean,
    mode: LogMode,
    signal: AbortSignal,
  ): Promise<void> {
    const over = (): boolean => signal.aborted;
    while (!over()) {
      // Each response begins with what was written before; it replaces what is shown, once it is there.
      const log = new Log();
      const show = (text: string): void => {
        if (over()) return;
        log.push(text);
        this.#log = log;
        this.#set({ kind: 'live' });
      };
      let ending: LogStatus = { kind: 'ended' };
      try {
        if (mode === 'stream') await this.#api.followLog(id, part, signal, show);
        else {
          show(await this.#api.readLog(id, part, signal));
          if (mayGrow()) ending = { kind: 'live' };
        }
      } catch (error) {
        if (over()) return;
        ending = statusAfter(error, mayGrow());
      }
      if (over()) return;
      this.#set(ending);
      if (!mayGrow()) return;
      await new Promise((resolve) => setTimeout(resolve, mode === 'poll' ? POLL_DELAY : RETRY_DELAY));
    }
  }

  #set(status: LogStatus): void {
    this.#status = status;
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.#shown.set({ lines: this.#log.lines, left: this.#log.left, status: this.#status });
    }, UPDATE_INTERVAL);
  }
}

/** Return the status after a failed request. While a session starts, its agent may not be there yet. */
function statusAfter(error: unknown, mayGrow: boolean): LogStatus {
  if (!(error instanceof Problem) || error.status === 0)
    return { kind: 'problem', text: errorMessage(error) };
  if (error.status === 404) return { kind: 'none' };
  return mayGrow ? { kind: 'connecting' } : { kind: 'problem', text: error.message };
}
