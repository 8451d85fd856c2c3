import { get } from 'svelte/store';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import type { EventSourceLike } from './event-stream.ts';
import { SharedStream, type Wanted } from './shared-stream.ts';
import { FakeBrowser } from './tabs.fixture.ts';

const ADA: Wanted = { user: 'ada', scope: { of: 'mine' } };
const ALL: Wanted = { user: 'ada', scope: { of: 'all' } };

class FakeSource implements EventSourceLike {
  onopen: ((event: Event) => unknown) | null = null;
  onerror: ((event: Event) => unknown) | null = null;
  closed = false;
  readonly url: string;
  readonly #listeners = new Map<string, (event: MessageEvent<string>) => void>();

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

let browser: FakeBrowser;
let sources: FakeSource[];

beforeEach(() => {
  vi.useFakeTimers();
  vi.spyOn(Math, 'random').mockReturnValue(0.5);
  browser = new FakeBrowser();
  sources = [];
});

const settle = async (ms = 1000): Promise<void> => {
  await vi.advanceTimersByTimeAsync(ms);
};
const open = (): FakeSource[] => sources.filter(({ closed }) => !closed);

describe.each([
  ['with Web Locks', true],
  ['by messages', false],
])('%s', (_how, withLocks) => {
  function tab(name: string) {
    const told = { onEvent: vi.fn(), onOpen: vi.fn(), onError: vi.fn(), onUser: vi.fn() };
    const stream = new SharedStream({
      tab: name,
      openChannel: browser.channelsOf(name),
      locks: withLocks ? browser.locks : undefined,
      open: (url) => {
        const source = new FakeSource(url);
        sources.push(source);
        queueMicrotask(() => source.onopen?.(new Event('open')));
        return source;
      },
      ...told,
    });
    stream.listen(true);
    return { ...told, stream };
  }

  it('eight tabs share one stream, and each is told', async () => {
    const tabs = Array.from({ length: 8 }, (_, n) => tab(`t${n}`));
    for (const { stream } of tabs) stream.want(ADA);
    await settle();
    expect(open()).toHaveLength(1);
    open()[0]?.emit('session', { id: 'a' });
    await settle();
    for (const { stream, onEvent, onOpen } of tabs) {
      expect(onEvent).toHaveBeenCalledExactlyOnceWith({ name: 'session', data: { id: 'a' } });
      expect(onOpen).toHaveBeenCalledTimes(1);
      expect(get(stream.connection)).toBe('live');
    }
    expect(tabs.filter(({ stream }) => get(stream.leads))).toHaveLength(1);
  });

  it('with nobody looking there is no stream', async () => {
    const [one, other] = [tab('a'), tab('b')];
    one.stream.want(ADA);
    other.stream.want(ADA);
    await settle();
    one.stream.want(null);
    other.stream.want(null);
    expect(open()).toHaveLength(0);
    await settle(60_000);
    expect(open()).toHaveLength(0);
  });

  it('when the leader leaves, the next one connects and reads what it missed', async () => {
    const [one, other] = [tab('a'), tab('b')];
    one.stream.want(ADA);
    await settle();
    other.stream.want(ADA);
    await settle();
    one.stream.want(null);
    one.stream.listen(false);
    await settle();
    expect(open()).toHaveLength(1);
    expect(get(other.stream.leads)).toBe(true);
    expect(other.onOpen).toHaveBeenCalledTimes(2);
    open()[0]?.emit('deleted', { id: 'x' });
    await settle();
    expect(one.onEvent).not.toHaveBeenCalled();
    expect(other.onEvent).toHaveBeenCalledOnce();
  });

  it('a tab that nobody looks at hears what comes, and asks for nothing', async () => {
    const [one, hidden] = [tab('a'), tab('b')];
    one.stream.want(ADA);
    await settle();
    open()[0]?.emit('session', { id: 'a' });
    await settle();
    expect(hidden.onEvent).toHaveBeenCalledOnce();
    expect(hidden.onOpen).not.toHaveBeenCalled();
  });

  it('the one stream brings what the widest page needs, and no more when that page is gone', async () => {
    const [one, wide] = [tab('a'), tab('b')];
    one.stream.want(ADA);
    await settle();
    wide.stream.want(ALL);
    await settle();
    expect(open().map(({ url }) => url)).toEqual(['/hub/api/events?all=true']);
    expect(wide.onOpen).toHaveBeenCalledTimes(1);
    wide.stream.want(null);
    await settle();
    expect(open().map(({ url }) => url)).toEqual(['/hub/api/events']);
  });

  it('a page that shows other sessions reads them, also when the stream brings them already', async () => {
    const [one, other] = [tab('a'), tab('b')];
    one.stream.want(ALL);
    await settle();
    other.stream.want(ADA);
    await settle();
    const before = one.onOpen.mock.calls.length;
    other.stream.want({ user: 'ada', scope: { of: 'one', id: 'x' } });
    await settle();
    expect(other.onOpen).toHaveBeenCalledTimes(2);
    expect(one.onOpen).toHaveBeenCalledTimes(before);
    expect(sources).toHaveLength(1);
  });

  it('the leader itself may go to another page', async () => {
    const one = tab('a');
    one.stream.want(ADA);
    await settle();
    one.stream.want(ALL);
    await settle();
    expect(open().map(({ url }) => url)).toEqual(['/hub/api/events?all=true']);
    expect(one.onOpen).toHaveBeenCalledTimes(2);
  });

  it('a lost connection is lost for all, and each may try at once', async () => {
    const [one, other] = [tab('a'), tab('b')];
    one.stream.want(ADA);
    await settle();
    other.stream.want(ADA);
    await settle();
    for (let tries = 0; tries < 4; tries++) {
      open().at(-1)?.onerror?.(new Event('error'));
      await settle(0);
    }
    expect(open().length).toBeLessThanOrEqual(1);
    const before = sources.length;
    other.stream.reconnect();
    await settle(10);
    expect(sources.length).toBeGreaterThan(before);
    expect(get(other.stream.connection)).toBe('live');
  });

  it('who is signed in is told to the others', async () => {
    const [one, other] = [tab('a'), tab('b')];
    one.stream.announceUser('bo');
    await settle();
    expect(other.onUser).toHaveBeenCalledWith('bo');
    expect(one.onUser).not.toHaveBeenCalled();
  });

  it('another person has a stream of their own', async () => {
    const one = tab('a');
    one.stream.want(ADA);
    await settle();
    one.stream.want({ user: 'bo', scope: { of: 'mine' } });
    await settle();
    expect(sources).toHaveLength(2);
    expect(open()).toHaveLength(1);
  });
});
