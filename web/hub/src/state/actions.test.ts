import { get } from 'svelte/store';
import { beforeEach, expect, it, vi } from 'vitest';
import { Actions } from './actions.ts';
import { Problem } from './api.ts';
import { session } from './examples.ts';
import { Sessions } from './sessions.ts';

const api = { start: vi.fn(), change: vi.fn(), extend: vi.fn(), rename: vi.fn() };
const notifications = { show: vi.fn() };
let sessions: Sessions;
let actions: Actions;

beforeEach(() => {
  vi.resetAllMocks();
  sessions = new Sessions();
  sessions.applySession(session({ id: 'a', state: 'running' }));
  actions = new Actions({ api, sessions, notifications });
});

it('what was asked shows at once, and the state is the one the hub says', async () => {
  let answer: (session: unknown) => void = () => undefined;
  api.change.mockReturnValue(new Promise((resolve) => (answer = resolve)));
  const done = actions.change('a', 'suspend');
  expect(get(sessions.pending).get('a')).toBe('suspend');
  expect(get(sessions.known).get('a')?.state).toBe('running');
  answer(session({ id: 'a', state: 'suspending' }));
  expect(await done).toEqual({ kind: 'done' });
  expect(get(sessions.pending).has('a')).toBe(false);
  expect(get(sessions.known).get('a')?.state).toBe('suspending');
});

it('what did not work is said, and nothing changes', async () => {
  api.change.mockRejectedValue(new Problem('It is not yours.', 404, 'not-found'));
  expect(await actions.change('a', 'stop')).toEqual({ kind: 'refused' });
  expect(notifications.show).toHaveBeenCalledWith('It is not yours.', { meaning: 'bad' });
  expect(get(sessions.known).get('a')?.state).toBe('running');
});

it('the same press twice is one call', async () => {
  api.change.mockResolvedValue(session({ id: 'a' }));
  await Promise.all([actions.change('a', 'stop'), actions.change('a', 'stop')]);
  expect(api.change).toHaveBeenCalledOnce();
});

it('a start that got no answer is tried again under the same idempotencyKey, the next one under another', async () => {
  api.start.mockRejectedValueOnce(new Problem('away', 0, 'unreachable'));
  api.start.mockImplementation(() => Promise.resolve(session({ id: 'b' })));
  expect(await actions.start('rspark')).toBeNull();
  expect((await actions.start('rspark'))?.id).toBe('b');
  await actions.start('rspark');
  const keys = api.start.mock.calls.map((call) => call[1] as string);
  expect(keys[0]).toBe(keys[1]);
  expect(keys[2]).not.toBe(keys[1]);
});

it('many are changed a few at a time, and one notification is shown', async () => {
  const ids = Array.from({ length: 20 }, (_, at) => `s${at}`);
  let [under, most] = [0, 0];
  api.change.mockImplementation(async (id: string) => {
    most = Math.max(most, ++under);
    await Promise.resolve();
    under--;
    if (id === 's3') throw new Problem('It is gone.', 404, 'not-found');
    return session({ id });
  });
  await actions.changeAll(ids, 'suspend', (count) => `${count} go to sleep`);
  expect(api.change).toHaveBeenCalledTimes(20);
  expect(most).toBeLessThanOrEqual(6);
  expect(notifications.show.mock.calls.map((call) => call[0] as string)).toEqual([
    '19 go to sleep',
    'One is not changed: It is gone.',
  ]);
});

it('what computes is left as it is until the person agrees', async () => {
  api.change.mockRejectedValueOnce(new Problem('It computes.', 409, 'busy', null, ['R kernel']));
  expect(await actions.change('a', 'suspend')).toEqual({ kind: 'busy', running: ['R kernel'] });
  expect(notifications.show).not.toHaveBeenCalled();
  api.change.mockResolvedValue(session({ id: 'a', state: 'suspending' }));
  expect(await actions.change('a', 'suspend', 'confirm')).toEqual({ kind: 'done' });
  expect(api.change).toHaveBeenLastCalledWith('a', 'suspend', 'confirm');
});

it('a sleep that is put off shows when it is, and one that can’t be says why', async () => {
  const sleeps = { at: '2026-11-24T16:00:00Z', why: 'idle' as const, can_extend: false };
  api.extend.mockResolvedValueOnce(session({ id: 'a', state: 'running', sleeps }));
  await actions.extend('a');
  expect(get(sessions.known).get('a')?.sleeps).toEqual(sleeps);
  api.extend.mockRejectedValueOnce(new Problem('It sleeps as late as it may.', 409, 'conflict'));
  await actions.extend('a');
  expect(notifications.show).toHaveBeenCalledWith('It sleeps as late as it may.', { meaning: 'bad' });
});

it('a new name shows at once, and one that is refused is said to who typed it', async () => {
  api.rename.mockResolvedValueOnce(session({ id: 'a', name: 'Thesis' }));
  expect(await actions.rename('a', 'Thesis')).toBeNull();
  expect(get(sessions.known).get('a')?.name).toBe('Thesis');
  api.rename.mockRejectedValueOnce(new Problem('The name is too long.', 422, 'invalid-input'));
  expect(await actions.rename('a', 'x'.repeat(81))).toBe('The name is too long.');
  expect(notifications.show).not.toHaveBeenCalled();
});
