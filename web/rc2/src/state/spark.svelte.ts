/** Spark's jobs, as the server tells them. */

import type { Notice, SparkApplication, SparkJob } from '../protocol/messages.ts';

type Told = Extract<Notice, { type: 'spark_progress' }>;

/** Jobs that are kept, as the server keeps them. */
const MOST = 100;

export const keyOf = ({ application, job }: SparkJob): string => `${application}/${job}`;

export class Spark {
  applications: SparkApplication[] = $state.raw([]);
  /** Newest first. */
  jobs: SparkJob[] = $state.raw([]);

  get running(): SparkJob[] {
    return this.jobs.filter(({ status }) => status === 'running');
  }

  /** Return the jobs of an execution that run now, the oldest first. */
  runningOf(execution: string): SparkJob[] {
    return this.running.filter((job) => job.execution === execution).reverse();
  }

  take(notice: Told): void {
    this.applications = notice.applications;
    const byKey = new Map((notice.all ? [] : this.jobs).map((job) => [keyOf(job), job]));
    for (const job of notice.jobs) byKey.set(keyOf(job), job);
    const all = [...byKey.values()].sort(
      (one, other) => Date.parse(other.started) - Date.parse(one.started) || other.job - one.job,
    );
    const ended = all.filter(({ status }) => status !== 'running').slice(0, MOST);
    this.jobs = all.filter((job) => job.status === 'running' || ended.includes(job));
  }

  reset(): void {
    this.applications = [];
    this.jobs = [];
  }
}

/** Return how far jobs are together, from 0 to 1; null before it is known how many tasks there are. */
export function share(jobs: SparkJob[]): number | null {
  let [done, all] = [0, 0];
  for (const job of jobs) {
    done += job.done + job.skipped;
    all += job.tasks;
  }
  return all > 0 ? Math.min(1, done / all) : null;
}

const counted = (count: number, one: string, many = `${one}s`): string =>
  `${count.toLocaleString()} ${count === 1 ? one : many}`;

/** Return what runs, in words. */
export function progressText(jobs: SparkJob[]): string {
  const sum = (of: (job: SparkJob) => number): number => jobs.reduce((total, job) => total + of(job), 0);
  const stages = `${sum(({ done_stages }) => done_stages)} of ${counted(
    sum(({ all_stages }) => all_stages),
    'stage',
  )}`;
  const tasks = `${sum(({ done, skipped }) => done + skipped).toLocaleString()} of ${counted(
    sum(({ tasks }) => tasks),
    'task',
  )}`;
  const failed = sum((job) => job.failed);
  return `${stages} · ${tasks}${failed > 0 ? ` · ${failed.toLocaleString()} failed` : ''}`;
}

export interface Summary {
  jobs: number;
  failed: number;
  tasks: number;
  seconds: number;
}

/** Return what was computed for an execution, in words. */
export const summaryText = ({ jobs, failed, tasks }: Summary): string =>
  `${counted(jobs, 'job')}${failed > 0 ? `, ${failed === jobs ? (jobs === 1 ? 'which failed' : 'all failed') : `${failed} failed`}` : ''}, ${counted(tasks, 'task')}`;
