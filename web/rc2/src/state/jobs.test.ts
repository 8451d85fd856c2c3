import { beforeEach, describe, expect, it } from 'vitest';
import type { JobEvent, JobInfo } from '../protocol/messages.ts';
import { Jobs } from './jobs.svelte.ts';

const started = (job: string, seq: number): JobEvent => ({
  type: 'job_started',
  seq,
  time: `2026-11-28T10:00:0${seq}Z`,
  job,
  who: 'ann',
  title: job,
  path: job,
  format: null,
});
const finished = (job: string, seq: number): JobEvent => ({
  type: 'job_finished',
  seq,
  time: `2026-11-28T10:00:0${seq}Z`,
  job,
  status: 'ok',
  code: 0,
  reason: null,
  result: null,
  line: null,
  dropped: 0,
});
const runs = (job: string, seq: number): JobInfo => ({
  job,
  who: 'ann',
  title: job,
  path: job,
  format: null,
  started: `2026-11-28T10:00:0${seq}Z`,
  fraction: null,
  step: null,
});

let kept: Record<string, string>;
let told: string[];
const jobs = (): Jobs => new Jobs('/s/a/', (job) => told.push(job.id));

beforeEach(() => {
  kept = {};
  told = [];
  globalThis.localStorage = {
    getItem: (name: string) => kept[name] ?? null,
    setItem: (name: string, value: string) => void (kept[name] = value),
  } as Storage;
});

describe('jobs', () => {
  it('are in their order, whichever is heard of first', () => {
    const all = jobs();
    all.greet('e', 5, [runs('new', 4)]);
    all.apply(started('old', 1));
    all.apply(finished('old', 2));
    all.apply(started('new', 4));
    expect(all.all.map(({ id }) => id)).toEqual(['new', 'old']);
  });

  it('are told once when they end, also to who comes later', () => {
    const first = jobs();
    first.greet('e', 3, []);
    first.apply(started('a', 1));
    first.apply(finished('a', 2));
    expect(told).toEqual([]); // it ended before this browser was here
    const later = jobs();
    later.greet('e', 6, []);
    for (const event of [started('a', 1), finished('a', 2), started('b', 4), finished('b', 5)])
      later.apply(event);
    expect(told).toEqual(['b']);
    const again = jobs();
    again.greet('e', 6, []);
    again.apply(started('b', 4));
    again.apply(finished('b', 5));
    expect(told).toEqual(['b']);
  });
});
