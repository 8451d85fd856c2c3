import { expect, it, vi } from 'vitest';
import { followPage } from './page-lifecycle.ts';

function page() {
  const window = new EventTarget();
  const visibility: { visibilityState: DocumentVisibilityState } = { visibilityState: 'visible' };
  const document = Object.assign(new EventTarget(), visibility);
  const onRestored = vi.fn();
  const { shown, awake } = followPage({ window, document, onRestored });
  let now: [boolean, boolean] = [false, false];
  shown.subscribe((value) => (now = [value, now[1]]));
  awake.subscribe((value) => (now = [now[0], value]));
  return { window, document, onRestored, now: () => now };
}

it('a page in front is shown, one behind another is not', () => {
  const { document, now } = page();
  expect(now()).toEqual([true, true]);
  document.visibilityState = 'hidden';
  document.dispatchEvent(new Event('visibilitychange'));
  expect(now()).toEqual([false, true]);
});

it('a page that was left sleeps until it is shown again', () => {
  const { window, onRestored, now } = page();
  window.dispatchEvent(new Event('pagehide'));
  expect(now()).toEqual([false, false]);
  window.dispatchEvent(Object.assign(new Event('pageshow'), { persisted: true }));
  expect(now()).toEqual([true, true]);
  expect(onRestored).toHaveBeenCalledOnce();
});

it('the first showing is no return', () => {
  const { window, onRestored } = page();
  window.dispatchEvent(Object.assign(new Event('pageshow'), { persisted: false }));
  expect(onRestored).not.toHaveBeenCalled();
});

it('a frozen page sleeps', () => {
  const { document, now } = page();
  document.dispatchEvent(new Event('freeze'));
  expect(now()).toEqual([false, false]);
  document.dispatchEvent(new Event('resume'));
  expect(now()).toEqual([true, true]);
});
