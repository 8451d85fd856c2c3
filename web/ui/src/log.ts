/** The text of a log as lines, as it streams in. Plain data; a component shows it. */

// eslint-disable-next-line no-control-regex
const ESCAPES = /\u001b(?:\[[0-?]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\)|[@-_])/g;
// eslint-disable-next-line no-control-regex
const OTHER_CONTROLS = /[\u0000-\u0008\u000b-\u001f\u007f]/g;

/** A line as it reads: without colours, and what a carriage return wrote over. */
export function plain(line: string): string {
  const text = line.replace(ESCAPES, '').replace(/\r+$/, '');
  return text.slice(text.lastIndexOf('\r') + 1).replace(OTHER_CONTROLS, '');
}

export type Severity = 'bad' | 'warning' | null;

/** What a line says of itself; only a word that stands as a level does, not every "error" in a sentence. */
export function severity(line: string): Severity {
  if (/\b(ERROR|FATAL|CRITICAL|PANIC)\b|^Error\b|^\[[EC] |^Traceback /.test(line)) return 'bad';
  if (/\b(WARN|WARNING)\b|^Warning\b|^\[W /.test(line)) return 'warning';
  return null;
}

/** Keeps the last `most` lines. Lines keep their number when older ones leave. */
export class Log {
  readonly #most: number;
  #lines: string[] = [];
  #rest = '';
  #left = 0;

  constructor(most = 20_000) {
    this.#most = most;
  }

  push(text: string): void {
    const parts = (this.#rest + text).split('\n');
    this.#rest = parts.pop() ?? '';
    for (const part of parts) this.#lines.push(plain(part));
    const over = this.#lines.length - this.#most;
    if (over > 0) {
      this.#lines.splice(0, over);
      this.#left += over;
    }
  }

  /** All lines, the last also when its end has not come yet. */
  get lines(): string[] {
    return this.#rest ? [...this.#lines, plain(this.#rest)] : [...this.#lines];
  }

  /** How many older lines are not kept. */
  get left(): number {
    return this.#left;
  }
}
