import { describe, expect, it } from 'vitest';
import type { SparkJob } from '../protocol/messages.ts';
import { progressText, share, Spark, summaryText } from './spark.svelte.ts';

const job = (number: number, more: Partial<SparkJob> = {}): SparkJob => ({
  application: 'local-1',
  job: number,
  title: 'count',
  console: 'c',
  execution: 'e',
  status: 'running',
  started: new Date(1e12 + number * 1000).toISOString(),
  finished: null,
  tasks: 8,
  active: 1,
  done: 2,
  failed: 0,
  skipped: 2,
  all_stages: 2,
  done_stages: 1,
  stages: [],
  ...more,
});

describe('the jobs of Spark', () => {
  it('are newest first, and what changed takes the place of what was', () => {
    const spark = new Spark();
    spark.take({ type: 'spark_progress', all: true, applications: [], jobs: [job(1), job(2)] });
    spark.take({
      type: 'spark_progress',
      all: false,
      applications: [],
      jobs: [job(1, { status: 'ok' }), job(3)],
    });
    expect(spark.jobs.map((one) => one.job)).toEqual([3, 2, 1]);
    expect(spark.running.map((one) => one.job)).toEqual([3, 2]);
    expect(spark.runningOf('e').map((one) => one.job)).toEqual([2, 3]);
    expect(spark.runningOf('other')).toEqual([]);
  });

  it('are bounded, and what runs stays', () => {
    const spark = new Spark();
    const many = Array.from({ length: 300 }, (_none, at) => job(at + 1, { status: 'ok' }));
    spark.take({ type: 'spark_progress', all: true, applications: [], jobs: [job(0), ...many] });
    expect(spark.jobs).toHaveLength(101);
    expect(spark.jobs.at(-1)?.job).toBe(0);
  });

  it('say how far they are', () => {
    expect(share([job(1), job(2)])).toBe(0.5);
    expect(share([job(1, { tasks: 0 })])).toBeNull();
    expect(progressText([job(1)])).toBe('1 of 2 stages · 4 of 8 tasks');
    expect(progressText([job(1, { failed: 3, all_stages: 1, tasks: 1, done: 0, skipped: 0 })])).toBe(
      '1 of 1 stage · 0 of 1 task · 3 failed',
    );
    expect(summaryText({ jobs: 1, failed: 1, tasks: 1, seconds: 1 })).toBe('1 job, which failed, 1 task');
    expect(summaryText({ jobs: 3, failed: 1, tasks: 9, seconds: 1 })).toBe('3 jobs, 1 failed, 9 tasks');
  });
});
