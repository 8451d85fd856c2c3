import { get } from 'svelte/store';
import { beforeEach, expect, it, vi } from 'vitest';
import { Problem } from './api.ts';
import { Resource } from './resource.ts';
import { Retry, retryAll } from './retry.ts';

const away = new Problem('RSparkHub does not answer.', 0, 'unreachable');

beforeEach(() => {
  vi.useFakeTimers();
  vi.spyOn(Math, 'random').mockReturnValue(1);
});

it('what fails while the hub is away is done again, less and less often, until it works', async () => {
  const work = vi.fn().mockRejectedValueOnce(away).mockRejectedValueOnce(away).mockResolvedValue(undefined);
  void new Retry(work).run();
  await vi.advanceTimersByTimeAsync(500);
  expect(work).toHaveBeenCalledTimes(2);
  await vi.advanceTimersByTimeAsync(60_000);
  expect(work).toHaveBeenCalledTimes(3);
});

it.each([
  [500, true],
  [502, true],
  [503, true],
  [429, true],
  [403, false],
  [404, false],
  [422, false],
])('an answer of %d is asked for again: %s', async (status, again) => {
  const work = vi
    .fn()
    .mockRejectedValueOnce(new Problem('No.', status, 'x'))
    .mockResolvedValue(undefined);
  void new Retry(work).run();
  await vi.advanceTimersByTimeAsync(60_000);
  expect(work).toHaveBeenCalledTimes(again ? 2 : 1);
});

it('when the hub is back, all that waits is done at once', async () => {
  const [one, other, done] = [vi.fn().mockRejectedValue(away), vi.fn().mockRejectedValue(away), vi.fn()];
  const retries = [new Retry(one), new Retry(other), new Retry(done)];
  for (const retry of retries) void retry.run();
  await vi.advanceTimersByTimeAsync(0);
  retryAll();
  await vi.advanceTimersByTimeAsync(0);
  expect([one, other, done].map((work) => work.mock.calls.length)).toEqual([2, 2, 1]);
  for (const retry of retries) retry.stop();
  retryAll();
  await vi.advanceTimersByTimeAsync(60_000);
  expect(one).toHaveBeenCalledTimes(2);
});

it('a resource shows what is wrong beside what it read before, and is right again by itself', async () => {
  const read = vi.fn().mockResolvedValueOnce(1).mockRejectedValueOnce(away).mockResolvedValue(2);
  const resource = new Resource<number>(read);
  expect(get(resource)).toEqual({ data: null, problem: null });
  await resource.load();
  expect(get(resource)).toEqual({ data: 1, problem: null });
  await resource.load();
  expect(get(resource)).toEqual({ data: 1, problem: 'RSparkHub does not answer.' });
  await vi.advanceTimersByTimeAsync(1000);
  expect(get(resource)).toEqual({ data: 2, problem: null });
});

it('an answer that comes late does not replace a newer one', async () => {
  let finish: (value: number) => void = () => undefined;
  const read = vi
    .fn()
    .mockReturnValueOnce(new Promise<number>((resolve) => (finish = resolve)))
    .mockResolvedValue(2);
  const resource = new Resource<number>(read);
  const first = resource.load();
  await resource.load();
  finish(1);
  await first;
  expect(get(resource).data).toBe(2);
});
