import { get } from 'svelte/store';
import { beforeEach, expect, it, vi } from 'vitest';
import { backoff } from './backoff.ts';
import { EventStream, type EventSourceLike } from './event-stream.ts';

class FakeSource implements EventSourceLike {
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

  emit(type: string, data: unknown): void {
    this.#listeners.get(type)?.({ data: JSON.stringify(data) } as MessageEvent<string>);
  }

  close(): void {
    this.closed = true;
  }
}

let sources: FakeSource[];
let eventStream: EventStream;
const handlers = { onEvent: vi.fn(), onOpen: vi.fn(), onError: vi.fn() };

beforeEach(() => {
  vi.useFakeTimers();
  vi.clearAllMocks();
  sources = [];
  eventStream = new EventStream({
    open: (url) => {
      const source = new FakeSource(url);
      sources.push(source);
      return source;
    },
    random: () => 1,
    ...handlers,
  });
});

const last = (): FakeSource => sources.at(-1) as FakeSource;
const opened = (): unknown => last().onopen?.(new Event('open'));
const broken = (): unknown => last().onerror?.(new Event('error'));

it('each event is handed on', () => {
  eventStream.connect('/events');
  opened();
  last().emit('session', { id: 'a' });
  last().emit('deleted', { id: 'b' });
  expect(handlers.onEvent.mock.calls).toEqual([
    [{ name: 'session', data: { id: 'a' } }],
    [{ name: 'deleted', data: { id: 'b' } }],
  ]);
  expect(get(eventStream.connection)).toBe('live');
});

it('each opening asks for the list, since events in between were missed', () => {
  eventStream.connect('/events');
  opened();
  broken();
  vi.advanceTimersByTime(500);
  opened();
  expect(handlers.onOpen).toHaveBeenCalledTimes(2);
});

it('a short break is not shown', () => {
  eventStream.connect('/events');
  opened();
  broken();
  vi.advanceTimersByTime(500);
  opened();
  vi.advanceTimersByTime(10_000);
  expect(get(eventStream.connection)).toBe('live');
});

it('a longer break is shown until it is over', () => {
  eventStream.connect('/events');
  opened();
  broken();
  vi.advanceTimersByTime(500);
  broken();
  vi.advanceTimersByTime(1000);
  expect(get(eventStream.connection)).toBe('lost');
  opened();
  expect(get(eventStream.connection)).toBe('live');
});

it('it tries less and less often, and never gives up', () => {
  eventStream.connect('/events');
  for (let tries = 0; tries < 12; tries++) {
    broken();
    vi.advanceTimersByTime(15_000);
  }
  expect(sources).toHaveLength(13);
  expect([0, 1, 2, 20].map((tries) => backoff(tries, () => 1))).toEqual([500, 1000, 2000, 15_000]);
  expect(backoff(20, () => 0)).toBe(7500);
});

it('a person who asks need not wait', () => {
  eventStream.connect('/events');
  for (let tries = 0; tries < 5; tries++) {
    broken();
    vi.advanceTimersByTime(15_000);
  }
  broken();
  const before = sources.length;
  eventStream.reconnect();
  expect(sources).toHaveLength(before + 1);
  eventStream.reconnect();
  expect(sources).toHaveLength(before + 1);
});

it('another address is another stream, and the old one says nothing more', () => {
  eventStream.connect('/events');
  const old = last();
  opened();
  eventStream.connect('/events?all=true');
  expect(old.closed).toBe(true);
  old.emit('session', { id: 'late' });
  expect(handlers.onEvent).not.toHaveBeenCalled();
  expect(last().url).toBe('/events?all=true');
});

it('after the end nothing is tried', () => {
  eventStream.connect('/events');
  broken();
  eventStream.connect(null);
  vi.advanceTimersByTime(60_000);
  expect(sources).toHaveLength(1);
});

it('an error is told, so that it can be asked why', () => {
  eventStream.connect('/events');
  broken();
  expect(handlers.onError).toHaveBeenCalledOnce();
});
