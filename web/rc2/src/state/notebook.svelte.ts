/** What an open notebook has beside its text: the outputs of the file, and those of what was run since, which a save writes. */

import { SvelteMap, SvelteSet } from 'svelte/reactivity';
import type { StoredOutput } from '../protocol/messages.ts';
import type { NotebookFile } from '../session/notebooks.ts';
import { codeCells } from '../editor/notebook.ts';
import { Execution } from './consoles.svelte.ts';

export class Notebook {
  readonly language: string;
  /** When the file was written, in milliseconds since 1970: what has ended before is not newer than what it has. */
  private readonly since: number;
  private readonly stored = new SvelteMap<string, Execution>();
  /** Executions that the file has, and those and cells whose output a person has removed. */
  private readonly written = new SvelteSet<string>();
  private readonly removed = new SvelteSet<string>();
  /** Names that cells had when they were run. */
  private readonly before = new Map<string, string[]>();

  /** `runs` returns what was run of this notebook, in all consoles. */
  constructor(
    { language, modified, outputs }: NotebookFile['notebook'],
    private readonly runs: () => Execution[],
  ) {
    this.language = language;
    this.since = Date.parse(modified);
    this.follow({ outputs });
  }

  /** Take the outputs that the file has now; those that are newer here stay. */
  follow({ outputs }: Pick<NotebookFile['notebook'], 'outputs'>): void {
    this.stored.clear();
    for (const [name, all] of Object.entries(outputs))
      if (!this.removed.has(name)) this.stored.set(name, execution(name, all));
  }

  /** Return what stands under a cell; null where there is nothing. */
  shown(name: string): Execution | null {
    const run = this.lastRun(name);
    if (run) return this.removed.has(run.id) ? null : run;
    return this.stored.get(name) ?? null;
  }

  /** Take the output of a cell away. */
  remove(name: string): void {
    const run = this.lastRun(name);
    if (run) {
      this.removed.add(run.id);
      this.written.delete(run.id);
    } else this.removed.add(name);
    this.stored.delete(name);
  }

  /** Return what the file doesn't have yet, by the names of cells: executions, or null where the output was removed. */
  pending(text: string): Record<string, string | null> {
    const found: Record<string, string | null> = {};
    for (const { label } of codeCells(text, this.language)) {
      if (label === null) continue;
      const run = this.lastRun(label);
      if (run && !run.open && !this.written.has(run.id))
        found[label] = this.removed.has(run.id) ? null : run.id;
      else if (!run && this.removed.has(label)) found[label] = null;
    }
    return found;
  }

  /** Take that a save has written outputs, and that cells have other names. */
  saved(outputs: Record<string, string | null>, renamed: Record<string, string>): void {
    for (const [name, id] of Object.entries(outputs)) {
      const run = this.lastRun(name);
      this.removed.delete(name);
      if (run && (id === null || run.id === id)) this.written.add(run.id);
    }
    for (const [old, name] of Object.entries(renamed)) {
      this.before.set(name, [old, ...(this.before.get(old) ?? [])]);
      const stored = this.stored.get(old);
      if (stored) this.stored.set(name, stored);
    }
  }

  private lastRun(name: string): Execution | null {
    const names = [name, ...(this.before.get(name) ?? [])];
    return this.runs()
      .filter(({ source }) => names.includes(source?.chunk ?? ''))
      .filter((run) => run.open || (this.isNew(run) && !wasNothing(run)))
      .reduce<Execution | null>((last, run) => (last && last.queued > run.queued ? last : run), null);
  }

  private isNew({ finished }: Execution): boolean {
    return finished === null || Date.parse(finished) > this.since;
  }
}

/** Return whether code was never run, or was lost before it showed anything. */
const wasNothing = ({ status, outputs }: Execution): boolean =>
  status === 'cancelled' || (status === 'lost' && outputs.length === 0);

function execution(name: string, outputs: readonly StoredOutput[]): Execution {
  const made = new Execution(`stored ${name}`, '', '', null);
  made.status = outputs.some(({ type }) => type === 'error') ? 'error' : 'ok';
  for (const output of outputs)
    if (output.type === 'stream') made.print(output.name, output.text);
    else if (output.type === 'error')
      made.add({
        kind: 'error',
        name: output.name,
        message: output.message,
        traceback: [...output.traceback],
      });
    else {
      const { data, blobs, metadata, result } = output;
      made.add({ kind: 'display', display: null, result, rich: { seq: 0, data, blobs, metadata } });
    }
  return made;
}
