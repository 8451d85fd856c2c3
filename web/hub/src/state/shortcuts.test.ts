import { expect, it } from 'vitest';
import { Shortcuts, type Command } from './shortcuts.ts';

function typed(...keys: (string | [string, number])[]): Command | null {
  const shortcuts = new Shortcuts();
  let at = 0;
  let last: Command | null = null;
  for (const key of keys) {
    const [name, wait] = typeof key === 'string' ? [key, 100] : key;
    at += wait;
    last = shortcuts.press({ key: name, modified: false, elsewhere: false, at });
  }
  return last;
}

it('one key, or one after the other', () => {
  expect(typed('?')).toBe('help');
  expect(typed('g', 'p')).toBe('people');
});

it('keys that come too late do not belong together', () => {
  expect(typed('g', ['h', 1500])).toBeNull();
});

it('a key that belongs to nothing begins anew', () => {
  expect(typed('g', 'x', 'h')).toBeNull();
  expect(typed('g', 'g', 'h')).toBe('home');
});

it('keys of others are left to them', () => {
  const shortcuts = new Shortcuts();
  expect(shortcuts.press({ key: '?', modified: false, elsewhere: true, at: 0 })).toBeNull();
  expect(shortcuts.press({ key: '/', modified: true, elsewhere: false, at: 0 })).toBeNull();
});
