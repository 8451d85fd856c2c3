import { get } from 'svelte/store';
import { beforeEach, expect, it, vi } from 'vitest';
import { delay, Feed, type Source } from './feed.ts';

class FakeSource implements Source {
  onopen: ((event: Event) => unknown) | null = null;
  onerror: ((event: Event) => unknown) | null = null;
  closed = false;
  readonly #listeners = new Map<string, (event: MessageEvent<string>) => void>();
  readonly url: string;

  constructor(url: string) {
    this.url = url;
  }

  addEventListener(type: string, listener: (event: MessageEvent<string>) => void): void {
    this.#listeners.set(type, listener);
  }

  say(type: string, data: unknown): void {
    this.#listeners.get(type)?.({ data: JSON.stringify(data) } as MessageEvent<string>);
  }

  close(): void {
    this.closed = true;
  }
}

let sources: FakeSource[];
let feed: Feed;
const told = { onSession: vi.fn(), onDeleted: vi.fn(), onProgress: vi.fn(), onOpen: vi.fn() };

beforeEach(() => {
  vi.useFakeTimers();
  vi.clearAllMocks();
  sources = [];
  feed = new Feed({
    open: (url) => {
      const source = new FakeSource(url);
      sources.push(source);
      return source;
    },
    random: () => 1,
    ...told,
  });
});

const last = (): FakeSource => sources.at(-1) as FakeSource;
const opened = (): unknown => last().onopen?.(new Event('open'));
const broken = (): unknown => last().onerror?.(new Event('error'));

it('what is said is told', () => {
  feed.listen('/events');
  opened();
  last().say('session', { id: 'a' });
  last().say('deleted', { id: 'b' });
  expect(told.onSession).toHaveBeenCalledWith({ id: 'a' });
  expect(told.onDeleted).toHaveBeenCalledWith('b');
  expect(get(feed.connection)).toBe('live');
});

it('each opening asks for the list, since what happened meanwhile was not heard', () => {
  feed.listen('/events');
  opened();
  broken();
  vi.advanceTimersByTime(500);
  opened();
  expect(told.onOpen).toHaveBeenCalledTimes(2);
});

it('a short break is not shown', () => {
  feed.listen('/events');
  opened();
  broken();
  vi.advanceTimersByTime(500);
  opened();
  vi.advanceTimersByTime(10_000);
  expect(get(feed.connection)).toBe('live');
});

it('a longer break is shown until it is over', () => {
  feed.listen('/events');
  opened();
  broken();
  vi.advanceTimersByTime(500);
  broken();
  vi.advanceTimersByTime(1000);
  expect(get(feed.connection)).toBe('lost');
  opened();
  expect(get(feed.connection)).toBe('live');
});

it('it tries less and less often, and never gives up', () => {
  feed.listen('/events');
  for (let tries = 0; tries < 12; tries++) {
    broken();
    vi.advanceTimersByTime(15_000);
  }
  expect(sources).toHaveLength(13);
  expect([0, 1, 2, 20].map((tries) => delay(tries, 1))).toEqual([500, 1000, 2000, 15_000]);
  expect(delay(20, 0)).toBe(7500);
});

it('a person who asks need not wait', () => {
  feed.listen('/events');
  for (let tries = 0; tries < 5; tries++) {
    broken();
    vi.advanceTimersByTime(15_000);
  }
  broken();
  const before = sources.length;
  feed.retry();
  expect(sources).toHaveLength(before + 1);
  feed.retry();
  expect(sources).toHaveLength(before + 1);
});

it('another address is another stream, and the old one says nothing more', () => {
  feed.listen('/events');
  const old = last();
  opened();
  feed.listen('/events?all=true');
  expect(old.closed).toBe(true);
  old.say('session', { id: 'late' });
  expect(told.onSession).not.toHaveBeenCalled();
  expect(last().url).toBe('/events?all=true');
});

it('after the end nothing is tried', () => {
  feed.listen('/events');
  broken();
  feed.listen(null);
  vi.advanceTimersByTime(60_000);
  expect(sources).toHaveLength(1);
});
