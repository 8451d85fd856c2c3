/** The repository that is shown: its status, and what is under way with it. */

import { SvelteMap } from 'svelte/reactivity';
import * as session from '../session/git.ts';
import { base } from '../session/base.ts';

export type Action = 'fetch' | 'pull' | 'push';
/** What stands beside a file: a letter, and the word for it. */
export interface Mark {
  letter: string;
  word: string;
}

const REFRESH = 5000; // milliseconds between two looks, and more where one takes long
const SHARE = 20; // of the time, at most one part of this many is spent looking
const KEPT = `rc2-repository-${base.pathname}`;
const WORDS: Record<string, Mark> = {
  modified: { letter: 'M', word: 'changed' },
  added: { letter: 'A', word: 'new' },
  deleted: { letter: 'D', word: 'deleted' },
  renamed: { letter: 'R', word: 'renamed' },
  copied: { letter: 'C', word: 'copied' },
  type: { letter: 'T', word: 'of another type' },
  untracked: { letter: 'U', word: 'not in Git' },
};
const CONFLICT: Mark = { letter: '!', word: 'in conflict' };

export const markOf = (change: string | null | undefined): Mark =>
  WORDS[change ?? 'modified'] ?? { letter: 'M', word: 'changed' };

/** Return the mark of each file by its path in the home, and of the folders that have one below them. */
export function marksOf(status: session.Status | null): Map<string, Mark> {
  const marks = new Map<string, Mark>();
  if (!status) return marks;
  const root = status.repository ? `${status.repository}/` : '';
  for (const file of status.files) {
    const path = root + file.path;
    marks.set(path, file.conflict ? CONFLICT : markOf(file.unstaged ?? file.staged));
    const parts = path.split('/').slice(0, -1);
    for (let depth = parts.length; depth > 0; depth -= 1) {
      const folder = parts.slice(0, depth).join('/');
      if (!marks.has(folder)) marks.set(folder, { letter: '•', word: 'has changes' });
    }
  }
  return marks;
}

export class Git {
  /** Folders of the home that have a repository; null until they are known. */
  repositories: string[] | null = $state.raw(null);
  /** The folder of the repository that is shown. */
  shown: string | null = $state(null);
  status: session.Status | null = $state.raw(null);
  problem: string | null = $state(null);
  /** What talks to the remote now. */
  transfer: { action: Action; text: string; percent: number | null; stop: AbortController } | null =
    $state.raw(null);
  /** The remote asks who you are; then the action is done again. */
  asked: { action: Action; place: string; username: string | null; text: string } | null = $state.raw(null);
  /** Messages that are not committed yet, by repository. */
  readonly messages = new SvelteMap<string, string>();
  readonly marks = $derived(marksOf(this.status));
  private looking: Promise<void> | null = null;
  private next = 0;

  /** Look for repositories, and at the one that is shown. */
  async find(): Promise<void> {
    const found = await session.repositories();
    this.repositories = found;
    const kept = this.shown ?? localStorage.getItem(KEPT);
    this.shown = kept !== null && found.includes(kept) ? kept : (found[0] ?? null);
    if (this.shown === null) this.status = null;
    else await this.look();
  }

  async show(repository: string): Promise<void> {
    this.shown = repository;
    this.status = null;
    localStorage.setItem(KEPT, repository);
    await this.look();
  }

  /** Look again, unless the last look was a moment ago; what goes wrong is in `problem`. */
  async refresh(): Promise<void> {
    if (Date.now() < this.next || this.transfer) return;
    this.looking ??= (async () => {
      const from = Date.now();
      try {
        await (this.repositories === null || this.shown === null ? this.find() : this.look());
        this.problem = null;
      } catch (problem) {
        this.problem = problem instanceof Error ? problem.message : String(problem);
        this.repositories = null; // the folder may be gone
      } finally {
        this.next = Date.now() + Math.max(REFRESH, SHARE * (Date.now() - from));
        this.looking = null;
      }
    })();
    await this.looking;
  }

  private async look(): Promise<void> {
    const repository = this.shown;
    if (repository === null) return;
    const status = await session.status(repository);
    if (repository === this.shown) this.take(status);
  }

  private take(status: session.Status): void {
    // The same status is not another one: what shows it stays as it is.
    if (JSON.stringify(status) !== JSON.stringify(this.status)) this.status = status;
  }

  /** Do something to the repository that is shown; throws RequestFailed when the session refuses it. */
  async change<What extends session.Action>(
    what: What,
    fields: Parameters<typeof session.change<What>>[2],
  ): Promise<void> {
    if (this.shown !== null) this.take(await session.change(this.shown, what, fields));
  }

  /** Make a repository of a folder, and show it. */
  async make(folder: string): Promise<void> {
    await session.change(folder, 'init', {});
    this.shown = folder;
    await this.find();
  }

  /** Undo the last commit, and put its message where the next one's is written. */
  async undo(): Promise<void> {
    const { shown, status } = this;
    if (shown === null || !status?.head) return;
    const undone = await session.undo(shown, status.head);
    if (!this.messages.get(shown)?.trim()) this.messages.set(shown, undone.message);
    this.take(undone.status);
  }

  /** Talk to the remote; return what is to be said at the end, or null where it asks who you are. */
  async talk(
    action: Action,
    credentials: session.Credentials | null = null,
  ): Promise<{ text: string; failed: boolean } | null> {
    const { shown } = this;
    if (shown === null || this.transfer) return null;
    const stop = new AbortController();
    this.asked = null;
    this.transfer = { action, text: '', percent: null, stop };
    let last: session.Progress | null = null;
    try {
      for await (const progress of session.transfer(shown, action, credentials, stop.signal)) {
        last = progress;
        if (progress.type === 'progress')
          this.transfer = { action, text: progress.text, percent: progress.percent ?? null, stop };
      }
    } catch (problem) {
      if (stop.signal.aborted) return { text: 'Stopped.', failed: false };
      throw problem;
    } finally {
      this.transfer = null;
      this.next = 0;
      void this.refresh();
    }
    if (last?.type === 'credentials') {
      this.asked = { action, place: last.place ?? '', username: last.username ?? null, text: last.text };
      return null;
    }
    return last?.type === 'done'
      ? { text: last.text, failed: false }
      : { text: last?.type === 'failed' ? last.text : 'The connection broke off. Try again.', failed: true };
  }
}

export const git = new Git();
