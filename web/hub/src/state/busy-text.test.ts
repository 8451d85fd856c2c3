import { expect, it } from 'vitest';
import { busyQuestion, busyQuestionForAll } from './busy-text.ts';

it('the question names what runs', () => {
  expect(busyQuestion('Homework', 'suspend', ['R kernel, analysis.ipynb', 'A terminal runs psql'])).toEqual({
    title: 'Sleep Homework anyway?',
    text: 'It computes: R kernel, analysis.ipynb and A terminal runs psql. Variables are saved, but what runs is ended.',
    action: 'Sleep anyway',
  });
  expect(busyQuestion('Homework', 'stop', []).text).toBe(
    'It computes. What runs is ended, and nothing of it saved.',
  );
});

it('of many it names the first few', () => {
  expect(busyQuestionForAll('suspend', ['A of bo: R']).title).toBe('One session computes. Sleep anyway?');
  const many = busyQuestionForAll(
    'delete',
    Array.from({ length: 8 }, (_, n) => `S${n} of bo: R`),
  );
  expect(many.title).toBe('8 sessions compute. Delete anyway?');
  expect(many.text).toBe(
    'S0 of bo: R; S1 of bo: R; S2 of bo: R; S3 of bo: R; S4 of bo: R; and 3 more. What runs is ended.',
  );
});
