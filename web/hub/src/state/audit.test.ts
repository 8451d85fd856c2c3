import { expect, it, vi } from 'vitest';
import { newestId, olderThan, type ReadEvents } from './audit.ts';
import type { AuditEvent } from './model.ts';

function store(ids: number[]) {
  return vi.fn<ReadEvents>((after, limit) =>
    Promise.resolve(
      ids
        .filter((id) => id > after)
        .slice(0, limit)
        .map((id) => ({ id }) as AuditEvent),
    ),
  );
}
const upTo = (n: number): number[] => Array.from({ length: n }, (_, at) => at + 1);

it.each([0, 1, 2, 1023, 1024, 1025, 5000, 54_321])('the newest of %i events is found', async (n) => {
  const read = store(upTo(n));
  expect(await newestId(read)).toBe(n);
  expect(read.mock.calls.length).toBeLessThan(32);
});

it('gaps in the numbers do no harm', async () => {
  expect(await newestId(store([5, 4000, 9001]))).toBe(9001);
});

it('older events are read in windows until the first', async () => {
  const read = store(upTo(25));
  const first = await olderThan(read, 25, 10);
  expect(first.events.map(({ id }) => id)).toEqual([25, 24, 23, 22, 21, 20, 19, 18, 17, 16]);
  const second = await olderThan(read, first.before ?? -1, 10);
  const third = await olderThan(read, second.before ?? -1, 10);
  expect(third.events.map(({ id }) => id)).toEqual([5, 4, 3, 2, 1]);
  expect(third.before).toBeNull();
});
