import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Link, pause, type Situation } from './link.ts';
import type { ServerEvent } from './messages.ts';

class FakeSocket {
  static readonly OPEN = 1;
  static all: FakeSocket[] = [];
  readyState = 0;
  sent: { type: string; since?: number; epoch?: string | null; id?: string }[] = [];
  onopen: (() => void) | null = null;
  onmessage: ((event: { data: string }) => void) | null = null;
  onclose: (() => void) | null = null;

  constructor() {
    FakeSocket.all.push(this);
  }
  send(text: string): void {
    this.sent.push(JSON.parse(text) as FakeSocket['sent'][number]);
  }
  close(): void {
    this.readyState = 3;
    this.onclose?.();
  }
  open(epoch = 'a', last = 1000): void {
    this.readyState = FakeSocket.OPEN;
    this.onopen?.();
    this.says({ type: 'welcome', version: 1, epoch, oldest: 1, last, consoles: [] });
  }
  says(message: object): void {
    this.onmessage?.({ data: JSON.stringify(message) });
  }
}

let events: number[];
let resets: number;
let situations: Situation[];

function link(): Link {
  const made = new Link({
    open: () => new FakeSocket() as unknown as WebSocket,
    event: (event: ServerEvent) => void events.push(event.seq),
    notice: () => {},
    reset: () => (resets += 1),
    changed: (situation) => void situations.push(situation),
  });
  made.start();
  return made;
}
const socket = (): FakeSocket => {
  const last = FakeSocket.all.at(-1);
  if (!last) throw new Error('There is no socket.');
  return last;
};
const event = (seq: number): object => ({
  type: 'stream',
  seq,
  console: 'c',
  execution: 'e',
  name: 'stdout',
  text: 'x',
});

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal('WebSocket', FakeSocket);
  FakeSocket.all = [];
  events = [];
  resets = 0;
  situations = [];
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

describe('the line to the server', () => {
  it('says what it has seen, and takes each event once and in order', () => {
    link();
    socket().open();
    for (const seq of [1, 2, 2, 1, 3]) socket().says(event(seq));
    expect(events).toEqual([1, 2, 3]);
    socket().close();
    expect(situations).toEqual(['open', 'lost']);
    vi.advanceTimersByTime(300);
    socket().open();
    expect(socket().sent[0]).toMatchObject({ type: 'hello', since: 3, epoch: 'a' });
    for (const seq of [3, 4]) socket().says(event(seq));
    expect(events).toEqual([1, 2, 3, 4]);
    expect(resets).toBe(0);
  });

  it('forgets everything where the log is another', () => {
    link();
    socket().open();
    socket().says(event(5));
    socket().close();
    vi.advanceTimersByTime(300);
    socket().open('b');
    socket().says(event(1));
    expect(resets).toBe(1);
    expect(events).toEqual([5, 1]);
  });

  it('forgets everything where the log has lost what was seen', () => {
    link();
    socket().open();
    for (const seq of [1, 2, 3]) socket().says(event(seq));
    socket().close();
    vi.advanceTimersByTime(300);
    socket().open('a', 2);
    for (const seq of [1, 2, 3]) socket().says(event(seq));
    expect(resets).toBe(1);
    expect(events).toEqual([1, 2, 3, 1, 2, 3]);
  });

  it('sends again what was not confirmed, and no more what was', () => {
    const made = link();
    socket().open();
    made.send({ type: 'execute', id: 'x', console: 'c', code: '1' });
    made.send({ type: 'execute', id: 'y', console: 'c', code: '2' });
    socket().says({ type: 'execution_queued', seq: 1, console: 'c', execution: 'x', who: '', code: '1' });
    socket().close();
    made.send({ type: 'interrupt', console: 'c' });
    vi.advanceTimersByTime(300);
    socket().open();
    expect(socket().sent.map(({ type, id }) => id ?? type)).toEqual(['hello', 'y', 'interrupt']);
  });

  it('stops where the server refuses it', () => {
    link();
    socket().open();
    socket().says({ type: 'refused', request: 'hello', why: 'too old', console: null, execution: null });
    socket().close();
    vi.advanceTimersByTime(60_000);
    expect(FakeSocket.all).toHaveLength(1);
    expect(situations.at(-1)).toBe('refused');
  });
});

it('waits longer after each try, but not for ever', () => {
  expect([1, 2, 3, 20].map(pause)).toEqual([250, 500, 1000, 8000]);
});
