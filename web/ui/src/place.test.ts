import { expect, it } from 'vitest';
import { place } from './place.ts';

const view = { width: 400, height: 300 };
const size = { width: 160, height: 100 };

it('a menu opens below, its right edge under its button', () => {
  expect(place({ left: 300, top: 20, width: 40, height: 32 }, size, view, 'end')).toEqual({
    left: 180,
    top: 56,
  });
});

it('a menu that would leave the window at the left stays in it', () => {
  expect(place({ left: 4, top: 20, width: 40, height: 32 }, size, view, 'end').left).toBe(8);
});

it('a menu that would leave the window at the right stays in it', () => {
  expect(place({ left: 380, top: 20, width: 16, height: 32 }, size, view, 'start').left).toBe(232);
});

it('a menu without room below opens above', () => {
  expect(place({ left: 300, top: 250, width: 40, height: 32 }, size, view, 'end').top).toBe(146);
});

it('a menu without room on either side is pushed into the window', () => {
  const tall = { width: 160, height: 280 };
  expect(place({ left: 300, top: 150, width: 40, height: 32 }, tall, view, 'end').top).toBe(12);
});
