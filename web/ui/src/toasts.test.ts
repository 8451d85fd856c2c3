import { get } from 'svelte/store';
import { beforeEach, expect, it, vi } from 'vitest';
import { Toasts } from './toasts.ts';

let toasts: Toasts;
const texts = (): string[] => get(toasts.list).map((toast) => toast.text);

beforeEach(() => {
  vi.useFakeTimers();
  toasts = new Toasts();
});

it('a message goes by itself', () => {
  toasts.show('Copied');
  expect(texts()).toEqual(['Copied']);
  vi.advanceTimersByTime(6000);
  expect(texts()).toEqual([]);
});

it('what went wrong stays until it is put away', () => {
  const id = toasts.show('It did not work', { meaning: 'bad' });
  vi.advanceTimersByTime(60_000);
  expect(texts()).toEqual(['It did not work']);
  toasts.dismiss(id);
  expect(texts()).toEqual([]);
});

it('a message waits while it is read', () => {
  toasts.show('Copied');
  toasts.pause();
  vi.advanceTimersByTime(60_000);
  expect(texts()).toEqual(['Copied']);
  toasts.resume();
  vi.advanceTimersByTime(6000);
  expect(texts()).toEqual([]);
});

it('the same words twice are one message', () => {
  toasts.show('Copied');
  toasts.show('Copied');
  expect(texts()).toEqual(['Copied']);
});

it('at most four messages are shown', () => {
  for (const text of ['a', 'b', 'c', 'd', 'e']) toasts.show(text);
  expect(texts()).toEqual(['b', 'c', 'd', 'e']);
});
