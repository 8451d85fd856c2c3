import { expect, it } from 'vitest';
import { roving, typed } from './roving.ts';

it('arrows go round', () => {
  expect(roving('ArrowDown', 2, 3, 'vertical')).toBe(0);
  expect(roving('ArrowUp', 0, 3, 'vertical')).toBe(2);
  expect(roving('ArrowRight', 0, 3, 'horizontal')).toBe(1);
});

it('Home and End go to the ends', () => {
  expect(roving('Home', 2, 3, 'vertical')).toBe(0);
  expect(roving('End', 0, 3, 'vertical')).toBe(2);
});

it('keys of the other axis are left alone', () => {
  expect(roving('ArrowDown', 0, 3, 'horizontal')).toBeNull();
  expect(roving('a', 0, 3, 'vertical')).toBeNull();
});

it('a typed letter finds the next word that begins with it', () => {
  const words = ['Sleep', 'Stop', 'Log'];
  expect(typed('s', 0, words)).toBe(1);
  expect(typed('s', 1, words)).toBe(0);
  expect(typed('L', 0, words)).toBe(2);
  expect(typed('x', 0, words)).toBeNull();
});
