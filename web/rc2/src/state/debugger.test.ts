import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Stopped } from '../protocol/messages.ts';
import { Debugger } from './debugger.svelte.ts';

const at = (stop: number): Stopped => ({
  stop,
  frames: [
    { frame: 2, name: 'inner', path: 'a.R', line: 3, last_line: 3 },
    { frame: 1, name: 'outer', path: 'a.R', line: 8, last_line: 8 },
  ],
  more: 0,
  error: null,
});
const told = (stopped: Stopped | null) => ({ type: 'debugger' as const, console: 'c', stopped });

describe('where a console waits', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it('is shown on for a moment, in which nothing can be pressed', () => {
    const debug = new Debugger();
    debug.take(told(at(1)));
    expect(debug.ready('c')).toBe(true);
    debug.take(told(null));
    expect(debug.stopped('c')?.stop).toBe(1);
    expect(debug.ready('c')).toBe(false);
    debug.take(told(at(2)));
    vi.advanceTimersByTime(10_000);
    expect(debug.stopped('c')?.stop).toBe(2);
    debug.take(told(null));
    vi.advanceTimersByTime(10_000);
    expect(debug.stopped('c')).toBeNull();
  });

  it('leads to its innermost call, until another is chosen', () => {
    const debug = new Debugger();
    debug.take(told(at(1)));
    expect(debug.frame('c')?.name).toBe('inner');
    debug.choose('c', 1);
    expect(debug.frame('c')?.name).toBe('outer');
    debug.take(told(at(2)));
    expect(debug.frame('c')?.name).toBe('inner');
    expect(debug.frame('another')).toBeNull();
  });
});

it('has the breakpoints of those files alone that the server has named last', () => {
  const debug = new Debugger();
  const file = (path: string) => ({ path, breakpoints: [{ line: 1, text: 'x', in_force: false }] });
  debug.takeBreakpoints({ type: 'breakpoints', files: [file('a.R'), file('b.R')], break_on_error: true });
  debug.takeBreakpoints({ type: 'breakpoints', files: [file('b.R')], break_on_error: false });
  expect([debug.of('a.R').length, debug.of('b.R').length, debug.breakOnError]).toEqual([0, 1, false]);
});
