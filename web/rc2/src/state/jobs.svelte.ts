/** Jobs: what runs in the background of the session, made from the server's events alone. */

import { print } from '../output/ansi.ts';
import type { JobEvent, JobInfo, JobStatus, RenderFormat } from '../protocol/messages.ts';
import { elapsed } from './texts.ts';

const MOST_JOBS = 100;
/** Characters of output that are shown of one job. */
const MOST_TEXT = 400_000;

export class Job {
  status: 'running' | JobStatus = $state('running');
  fraction: number | null = $state(null);
  step: string | null = $state(null);
  text = $state('');
  finished: string | null = $state(null);
  reason: string | null = $state(null);
  result: string | null = $state(null);
  /** The line of its file at which it failed. */
  line: number | null = $state(null);
  /** Whether the beginning of its output is shown no more. */
  cut = $state(false);
  private column: number | null = null;

  constructor(
    readonly id: string,
    readonly title: string,
    readonly path: string,
    readonly format: RenderFormat | null,
    readonly who: string,
    readonly started: string,
  ) {}

  get running(): boolean {
    return this.status === 'running';
  }

  print(more: string): void {
    const { text, column } = print({ text: this.text, column: this.column }, more);
    this.column = column;
    this.cut ||= text.length > MOST_TEXT;
    this.text = text.length > MOST_TEXT ? text.slice(text.indexOf('\n', text.length - MOST_TEXT) + 1) : text;
  }
}

export class Jobs {
  /** Newest first. */
  all: Job[] = $state.raw([]);
  /** The one whose output is shown; the newest where it is none of them. */
  chosen: string | null = $state(null);
  private readonly kept: string;
  /** The number of the last event that this browser knew when the page came; null before the first welcome. */
  private told: number | null = null;

  constructor(
    place: string,
    private readonly ended: (job: Job) => void,
  ) {
    this.kept = `rc2-jobs-${place}`;
  }

  get running(): Job[] {
    return this.all.filter((job) => job.running);
  }

  /** Return the newest render of a document. */
  renderOf(path: string): Job | null {
    return this.all.find((job) => job.format !== null && job.path === path) ?? null;
  }

  get shown(): Job | null {
    return this.all.find(({ id }) => id === this.chosen) ?? this.all[0] ?? null;
  }

  /** Take in what runs, and which ends are news: those after what this browser has seen of the log. */
  greet(epoch: string, last: number, running: JobInfo[]): void {
    if (this.told === null) {
      const [knownEpoch, seq] = (localStorage.getItem(this.kept) ?? '').split(' ');
      this.told = knownEpoch === epoch && seq ? Number(seq) : last;
    }
    localStorage.setItem(this.kept, `${epoch} ${last}`);
    for (const info of running) this.add(info.job, info, info.started);
  }

  reset(): void {
    this.all = [];
    this.told = null;
  }

  apply(event: JobEvent): void {
    if (event.type === 'job_started') {
      this.add(event.job, event, event.time);
      return;
    }
    const job = this.all.find(({ id }) => id === event.job);
    if (!job) return;
    if (event.type === 'job_output') job.print(event.text);
    else if (event.type === 'job_progress') {
      job.fraction = event.fraction;
      job.step = event.step;
    } else {
      job.status = event.status;
      job.finished = event.time;
      job.reason = event.reason;
      job.result = event.result;
      job.line = event.line;
      if (this.told !== null && event.seq > this.told) {
        const [epoch] = (localStorage.getItem(this.kept) ?? '').split(' ');
        localStorage.setItem(this.kept, `${epoch ?? ''} ${event.seq}`);
        this.ended(job);
      }
    }
  }

  private add(
    id: string,
    { title, path, format, who }: Pick<JobInfo, 'title' | 'path' | 'format' | 'who'>,
    started: string,
  ): void {
    if (this.all.some((job) => job.id === id)) return;
    const all = [...this.all, new Job(id, title, path, format, who, started)];
    // What runs is known first, from the welcome; what ended before comes after it, from the log.
    this.all = all.sort((one, other) => other.started.localeCompare(one.started)).slice(0, MOST_JOBS);
  }
}

/** Whether a file can run as a job. */
export const isScript = (path: string): boolean => /\.(r|py|sh|bash|ipynb)$/i.test(path);

/** Whether a file can be rendered. */
export const isDocument = (path: string): boolean => /\.(rmd|qmd|md|rmarkdown|markdown|ipynb)$/i.test(path);

/** Return how long a job took, or has taken so far. */
export const took = (job: Job, now: number): string =>
  elapsed((job.finished ? Date.parse(job.finished) : now) - Date.parse(job.started));

/** Return a sentence about a job that has ended. */
export function endText(job: Job): string {
  const time = took(job, Date.now());
  if (job.status === 'ok') return `${job.title} is done after ${time}.`;
  if (job.status === 'cancelled') return `${job.title} was cancelled after ${time}.`;
  if (job.status === 'lost') return `${job.title} was lost. ${job.reason ?? ''}`;
  return `${job.title} failed after ${time}.`;
}
