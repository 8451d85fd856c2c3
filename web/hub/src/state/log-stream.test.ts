import { get } from 'svelte/store';
import { beforeEach, expect, it, vi } from 'vitest';
import { Problem } from './api.ts';
import { LogStream } from './log-stream.ts';

type OnText = (text: string) => void;
const followLog = vi.fn();
const readLog = vi.fn();
let stream: LogStream;

beforeEach(() => {
  vi.useFakeTimers();
  followLog.mockReset();
  readLog.mockReset();
  stream = new LogStream({ followLog, readLog });
});

it('lines are shown as they come, a few times a second', async () => {
  followLog.mockImplementation((_id: string, _part: string, _signal: AbortSignal, onText: OnText) => {
    for (let n = 0; n < 100; n++) onText(`line ${n}\n`);
    return new Promise(() => undefined);
  });
  const sets = vi.fn();
  stream.shown.subscribe(sets);
  stream.follow('a', 'spark', () => true);
  await vi.advanceTimersByTimeAsync(150);
  expect(get(stream.shown)).toMatchObject({ status: { kind: 'live' } });
  expect(get(stream.shown).lines).toHaveLength(100);
  expect(sets.mock.calls.length).toBeLessThan(4);
});

it('a stream that ends while more may come is asked for again, and shows nothing twice', async () => {
  followLog.mockImplementation((_id: string, _part: string, _signal: AbortSignal, onText: OnText) => {
    onText('one\n');
    return Promise.resolve();
  });
  stream.follow('a', 'spark', () => followLog.mock.calls.length < 2);
  await vi.advanceTimersByTimeAsync(10_000);
  expect(followLog).toHaveBeenCalledTimes(2);
  expect(get(stream.shown)).toMatchObject({ lines: ['one'], status: { kind: 'ended' } });
});

it('a log that is not there yet is waited for', async () => {
  followLog.mockRejectedValueOnce(new Problem('Not yet.', 409, 'conflict'));
  followLog.mockReturnValue(new Promise(() => undefined));
  stream.follow('a', 'spark', () => true);
  await vi.advanceTimersByTimeAsync(500);
  expect(get(stream.shown).status).toEqual({ kind: 'connecting' });
  await vi.advanceTimersByTimeAsync(1500);
  expect(followLog).toHaveBeenCalledTimes(2);
});

it('what went wrong is said', async () => {
  followLog.mockRejectedValue(new Problem('The disk is gone.', 500, 'internal-error'));
  stream.follow('a', 'spark', () => false);
  await vi.advanceTimersByTimeAsync(500);
  expect(get(stream.shown).status).toEqual({ kind: 'problem', text: 'The disk is gone.' });
});

it('a part without a log of its own is no problem', async () => {
  followLog.mockRejectedValue(new Problem('The session has no log of postgres.', 404, 'not-found'));
  stream.follow('a', 'postgres', () => true);
  await vi.advanceTimersByTimeAsync(500);
  expect(get(stream.shown).status).toEqual({ kind: 'none' });
});

it('after the end nothing is asked', async () => {
  followLog.mockResolvedValue(undefined);
  stream.follow('a', 'spark', () => true);
  stream.stop();
  await vi.advanceTimersByTimeAsync(60_000);
  expect(followLog.mock.calls.length).toBeLessThanOrEqual(1);
});

it('without a connection of its own it is read again and again, until no more can come', async () => {
  readLog.mockResolvedValueOnce('one\n').mockResolvedValue('one\ntwo\n');
  stream.follow('a', 'spark', () => readLog.mock.calls.length < 2, 'poll');
  await vi.advanceTimersByTimeAsync(200);
  expect(get(stream.shown)).toMatchObject({ lines: ['one'], status: { kind: 'live' } });
  await vi.advanceTimersByTimeAsync(30_000);
  expect(get(stream.shown)).toMatchObject({ lines: ['one', 'two'], status: { kind: 'ended' } });
  expect(readLog).toHaveBeenCalledTimes(2);
  expect(followLog).not.toHaveBeenCalled();
});

it('what is shown stays while the same log is followed anew', async () => {
  readLog.mockResolvedValue('one\n');
  stream.follow('a', 'spark', () => false, 'poll');
  await vi.advanceTimersByTimeAsync(200);
  readLog.mockReturnValue(new Promise(() => undefined));
  stream.follow('a', 'spark', () => false, 'poll');
  await vi.advanceTimersByTimeAsync(200);
  expect(get(stream.shown).lines).toEqual(['one']);
  stream.follow('a', 'agent', () => false, 'poll');
  await vi.advanceTimersByTimeAsync(200);
  expect(get(stream.shown).lines).toEqual([]);
});
