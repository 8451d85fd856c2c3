/** What an open notebook has beside its text: the outputs of the file, and those of what was run since, which a save writes. */

import { SvelteMap, SvelteSet } from 'svelte/reactivity';
import type { NotebookSaved, StoredOutput } from '../protocol/messages.ts';
import type { NotebookFile } from '../session/notebooks.ts';
import { codeCells } from '../editor/notebook.ts';
import { Execution } from './consoles.svelte.ts';

/** A save of a notebook: what it writes beside the text, and what to do when it has. */
export interface Saving {
  outputs: Record<string, string | null>;
  done: (saved: Pick<NotebookSaved, 'renamed'>) => void;
}

export class Notebook {
  readonly language: string;
  /** The kernel that it asks for. */
  readonly kernel: string | null;
  /** When the file was written, in milliseconds since 1970: what has ended before is not newer than what it has. */
  private readonly since: number;
  /** When others have written the output that a cell has, where that was after it was opened here. */
  private readonly renewed = new SvelteMap<string, number>();
  /** What the file has, as JSON. */
  private readonly known = new Map<string, string>();
  private readonly stored = new SvelteMap<string, Execution>();
  /** Executions that the file has, and those and cells whose output a person has removed. */
  private readonly written = new SvelteSet<string>();
  private readonly removed = new SvelteSet<string>();
  /** Names that the cells of executions have now, by the ids of these, where they had others; none where the cell is gone. */
  private readonly names = new SvelteMap<string, string>();

  /** `runs` returns what was run of this notebook, in all consoles. */
  constructor(
    { language, kernel, modified, outputs }: NotebookFile['notebook'],
    private readonly runs: () => Execution[],
  ) {
    this.language = language;
    this.kernel = kernel;
    this.since = Date.parse(modified);
    this.know(outputs);
  }

  /** Take the outputs that the file has now, which others have written: what was run here since they did stays. */
  follow({ modified, outputs }: Pick<NotebookFile['notebook'], 'modified' | 'outputs'>): void {
    for (const name of new Set([...this.known.keys(), ...Object.keys(outputs)]))
      if ((this.known.get(name) ?? json([])) !== json(outputs[name]))
        this.renewed.set(name, Date.parse(modified));
    this.know(outputs);
  }

  private know(outputs: NotebookFile['notebook']['outputs']): void {
    this.known.clear();
    for (const [name, all] of Object.entries(outputs)) this.known.set(name, json(all));
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

  /** Begin a save of a text. What is run and removed after this is not in it. */
  saving(text: string): Saving {
    const outputs = this.pending(text);
    const last = Object.keys(outputs).map((name) => ({ name, run: this.lastRun(name) }));
    return {
      outputs,
      done: ({ renamed }) => {
        for (const { name, run } of last) {
          this.removed.delete(name);
          if (run) this.written.add(run.id);
          this.known.delete(name);
        }
        if (Object.keys(renamed).length > 0) this.rename(renamed);
      },
    };
  }

  /** Give all cells their new names at once: one may get that which another had. */
  private rename(renamed: Record<string, string>): void {
    const taken = new Set(Object.values(renamed));
    const now = (name: string): string => renamed[name] ?? (taken.has(name) ? '' : name);
    for (const run of this.runs()) {
      const name = this.nameOf(run);
      if (now(name) !== name) this.names.set(run.id, now(name));
    }
    rekey(this.stored, now);
    rekey(this.known, now);
    rekey(this.renewed, now);
    const removed = [...this.removed].map(now);
    this.removed.clear();
    for (const name of removed) if (name !== '') this.removed.add(name);
  }

  private nameOf(run: Execution): string {
    return this.names.get(run.id) ?? run.source?.chunk ?? '';
  }

  private lastRun(name: string): Execution | null {
    return this.runs()
      .filter((run) => this.nameOf(run) === name)
      .filter((run) => run.open || (this.isNew(name, run) && !wasNothing(run)))
      .reduce<Execution | null>((last, run) => (last && last.queued > run.queued ? last : run), null);
  }

  private isNew(name: string, { finished }: Execution): boolean {
    return finished === null || Date.parse(finished) > (this.renewed.get(name) ?? this.since);
  }
}

const json = (outputs: readonly StoredOutput[] | undefined): string => JSON.stringify(outputs ?? []);

/** Put all of a map under other keys at once; with none it goes. */
function rekey<V>(map: Map<string, V>, now: (key: string) => string): void {
  const all = [...map];
  map.clear();
  for (const [key, value] of all) if (now(key) !== '') map.set(now(key), value);
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
