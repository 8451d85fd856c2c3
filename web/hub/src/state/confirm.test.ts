import { get } from 'svelte/store';
import { expect, it } from 'vitest';
import { confirm, question } from './confirm.ts';

const ask = (title: string) => confirm({ title, text: '', action: 'Remove' });

it('answers no to a question in whose place another comes', async () => {
  const first = ask('First');
  const second = ask('Second');
  expect(await first).toBe(false);
  expect(get(question)?.title).toBe('Second');
  get(question)?.answer(true);
  expect(await second).toBe(true);
  expect(get(question)).toBeNull();
});
