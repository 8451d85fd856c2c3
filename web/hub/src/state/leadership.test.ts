import { beforeEach, describe, expect, it, vi } from 'vitest';
import { Leadership } from './leadership.ts';
import { FakeBrowser } from './tabs.fixture.ts';

let browser: FakeBrowser;
beforeEach(() => {
  vi.useFakeTimers();
  vi.spyOn(Math, 'random').mockReturnValue(0.5);
  browser = new FakeBrowser();
});

describe.each([
  ['with Web Locks', true],
  ['by messages', false],
])('%s', (_how, withLocks) => {
  const tab = (name: string): Leadership =>
    new Leadership({
      name: 'lead',
      tab: name,
      openChannel: browser.channelsOf(name),
      locks: withLocks ? browser.locks : undefined,
      onChange: () => undefined,
    });
  const leaders = (tabs: Leadership[]): number[] => tabs.flatMap(({ leads }, at) => (leads ? [at] : []));
  const settle = async (ms = 1000): Promise<void> => {
    await vi.advanceTimersByTimeAsync(ms);
  };

  it('one of many leads', async () => {
    const tabs = ['c', 'a', 'b', 'e', 'd'].map(tab);
    for (const each of tabs) each.request();
    await settle();
    expect(leaders(tabs)).toHaveLength(1);
    await settle(60_000);
    expect(leaders(tabs)).toHaveLength(1);
  });

  it('one that comes later does not take over', async () => {
    const [first, second] = [tab('b'), tab('a')];
    first.request();
    await settle();
    second.request();
    await settle(30_000);
    expect(leaders([first, second])).toEqual([0]);
  });

  it('when the leader leaves, another leads at once', async () => {
    const tabs = ['a', 'b', 'c'].map(tab);
    tabs[0]?.request();
    await settle();
    tabs[1]?.request();
    tabs[2]?.request();
    tabs[0]?.release();
    expect(leaders(tabs)).not.toContain(0);
    await settle(600);
    expect(leaders(tabs)).toHaveLength(1);
  });

  it('one that no longer wants to lead does not', async () => {
    const [first, second] = [tab('a'), tab('b')];
    first.request();
    await settle();
    second.request();
    second.release();
    first.release();
    await settle(30_000);
    expect(leaders([first, second])).toEqual([]);
    first.request();
    await settle();
    expect(leaders([first, second])).toEqual([0]);
  });

  it('a leader that seems dead is replaced, and follows when it is back', async () => {
    const [first, second] = [tab('a'), tab('b')];
    first.request();
    await settle();
    second.request();
    await settle();
    browser.frozen.add('a');
    await settle(8_000);
    expect(second.leads).toBe(true);
    browser.frozen.delete('a');
    await settle(10_000);
    expect(leaders([first, second])).toHaveLength(1);
  });
});

it('where locks are refused, the tabs agree by messages', async () => {
  const refused = { request: () => Promise.reject(new DOMException('no', 'SecurityError')) };
  const tabs = ['a', 'b'].map(
    (name) =>
      new Leadership({
        name: 'lead',
        tab: name,
        openChannel: browser.channelsOf(name),
        locks: refused,
        onChange: () => undefined,
      }),
  );
  for (const each of tabs) each.request();
  await vi.advanceTimersByTimeAsync(2000);
  expect(tabs.filter(({ leads }) => leads)).toHaveLength(1);
});
