/** One part's log, followed: it ends with the part, and is asked for again while there is more to come. */
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

const AGAIN = 1_500; // ms
/** Lines are shown a few times a second, however fast they come. */
const EACH = 120;

export class LogStream {
  readonly #api: Pick<Api, 'followLog'>;
  readonly #shown = writable<LogShown>({ lines: [], left: 0, status: { kind: 'connecting' } });
  #abort: AbortController | null = null;
  #log = new Log();
  #status: LogStatus = { kind: 'connecting' };
  #due: ReturnType<typeof setTimeout> | undefined;

  constructor(api: Pick<Api, 'followLog'>) {
    this.#api = api;
  }

  get shown(): Readable<LogShown> {
    return this.#shown;
  }

  /** Follow this part; `goesOn` says whether more may come after the stream's end. */
  follow(id: string, part: string, goesOn: () => boolean): void {
    this.stop();
    this.#log = new Log();
    this.#set({ kind: 'connecting' });
    const abort = new AbortController();
    this.#abort = abort;
    void this.#run(id, part, goesOn, abort.signal);
  }

  stop(): void {
    this.#abort?.abort();
    this.#abort = null;
    clearTimeout(this.#due);
    this.#due = undefined;
  }

  async #run(id: string, part: string, goesOn: () => boolean, signal: AbortSignal): Promise<void> {
    const over = (): boolean => signal.aborted;
    while (!over()) {
      // Each answer begins with what was written before: it takes the place of what is shown, once it is there.
      const log = new Log();
      let ending: LogStatus = { kind: 'ended' };
      try {
        await this.#api.followLog(id, part, signal, (text) => {
          if (over()) return;
          log.push(text);
          this.#log = log;
          this.#set({ kind: 'live' });
        });
      } catch (error) {
        if (over()) return;
        ending = afterwards(error, goesOn());
      }
      if (over()) return;
      this.#set(ending);
      if (!goesOn()) return;
      await new Promise((resolve) => setTimeout(resolve, AGAIN));
    }
  }

  #set(status: LogStatus): void {
    this.#status = status;
    this.#due ??= setTimeout(() => {
      this.#due = undefined;
      this.#shown.set({ lines: this.#log.lines, left: this.#log.left, status: this.#status });
    }, EACH);
  }
}

/** What a log that could not be had is. While a session starts, whatever has the log may not be there yet. */
function afterwards(error: unknown, goesOn: boolean): LogStatus {
  if (!(error instanceof Problem) || error.status === 0)
    return { kind: 'problem', text: errorMessage(error) };
  if (error.status === 404) return { kind: 'none' };
  return goesOn ? { kind: 'connecting' } : { kind: 'problem', text: error.message };
}
