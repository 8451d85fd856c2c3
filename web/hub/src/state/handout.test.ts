import { get } from 'svelte/store';
import { expect, it } from 'vitest';
import { Problem } from './api.ts';
import type { HandoutView, NewHandout } from './api-types.ts';
import { Handout, keepHandout, keptHandout, type HandoutState, type Keep } from './handout.ts';

const ASKED: NewHandout = {
  source: 'https://git.example/labs',
  branch: null,
  folder: null,
  document: 'lab1.Rmd',
};

function view(changes: Partial<HandoutView>): HandoutView {
  return {
    id: '0'.repeat(16),
    state: 'running',
    step: '',
    reason: null,
    notes: [],
    url: '/s/a/',
    ...changes,
  };
}

function storage(): Keep {
  const kept = new Map<string, string>();
  return {
    getItem: (name) => kept.get(name) ?? null,
    setItem: (name, value) => void kept.set(name, value),
    removeItem: (name) => void kept.delete(name),
  };
}

/** A handout that is answered so, one answer after the other, and all states that it went through. */
function following(answers: (HandoutView | Error)[]): { handout: Handout; seen: HandoutState[]; keep: Keep } {
  const next = (): Promise<HandoutView> => {
    const answer = answers.shift() ?? new Error('nothing is left to say');
    return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer);
  };
  const keep = storage();
  keepHandout(keep, 'a', ASKED);
  const parts = { api: { bring: next, handout: next }, session: 'a', asked: ASKED, keep };
  const handout = new Handout({ ...parts, pause: () => Promise.resolve() });
  const seen: HandoutState[] = [];
  handout.state.subscribe((state) => seen.push(state));
  return { handout, seen, keep };
}

it('it is followed until it is done, and then forgotten', async () => {
  const done = view({ state: 'done', url: '/s/a/lab/tree/labs/lab1.Rmd' });
  const { handout, seen, keep } = following([view({ step: 'Bringing 1 of 2 files' }), done]);
  expect(keptHandout(keep, 'a')).toEqual(ASKED);
  await handout.run();
  expect(seen.slice(2)).toEqual([
    { kind: 'running', step: 'Bringing 1 of 2 files' },
    { kind: 'done', notes: [], url: '/s/a/lab/tree/labs/lab1.Rmd' },
  ]);
  expect(keptHandout(keep, 'a')).toBeNull();
});

it('an answer that does not come is asked for again', async () => {
  const { handout } = following([view({}), new Problem('away', 0, 'unreachable'), view({ state: 'done' })]);
  await handout.run();
  expect(get(handout.state).kind).toBe('done');
});

it('a failure has its sentence, and is brought anew when it is tried again', async () => {
  const { handout, keep } = following([
    view({ state: 'failed', reason: 'No such branch.' }),
    view({ state: 'done' }),
  ]);
  await handout.run();
  expect(get(handout.state)).toEqual({ kind: 'failed', reason: 'No such branch.' });
  expect(keptHandout(keep, 'a')).toEqual(ASKED);
  await handout.run();
  expect(get(handout.state).kind).toBe('done');
});

it('what the hub refuses is said', async () => {
  const { handout } = following([new Problem('Not from there.', 409, 'conflict')]);
  await handout.run();
  expect(get(handout.state)).toEqual({ kind: 'failed', reason: 'Not from there.' });
});
