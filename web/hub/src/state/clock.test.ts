import { beforeEach, expect, it, vi } from 'vitest';
import { Clock } from './clock.ts';

const noon = Date.UTC(2026, 10, 24, 12);
beforeEach(() => {
  vi.useFakeTimers({ now: noon });
});

it("a wrong clock is set right by the hub's", () => {
  const clock = new Clock();
  clock.synchronize(noon + 300_000);
  expect(clock.now()).toBe(noon + 300_000);
});

it('a second more or less is not a wrong clock', () => {
  const clock = new Clock();
  clock.synchronize(noon - 900);
  expect(clock.now()).toBe(noon);
});

it('it ticks while somebody looks', () => {
  const seen: number[] = [];
  const stop = new Clock().ticking.subscribe((now) => seen.push(now - noon));
  vi.advanceTimersByTime(2000);
  stop();
  vi.advanceTimersByTime(2000);
  expect(seen.at(-1)).toBe(2000);
});
