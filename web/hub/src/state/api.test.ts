import { describe, expect, it, vi } from 'vitest';
import { Api, Problem, errorMessage } from './api.ts';

function answering(...answers: (Response | Error)[]) {
  const asked: { url: string; init: RequestInit }[] = [];
  const fake = (url: string, init: RequestInit): Promise<Response> => {
    asked.push({ url, init });
    const answer = answers.shift();
    if (!answer) throw new Error('asked once too often');
    return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer);
  };
  return { fetch: fake as unknown as typeof fetch, asked };
}

const json = (body: unknown, init?: ResponseInit): Response => new Response(JSON.stringify(body), init);

async function problem(promise: Promise<unknown>): Promise<Problem> {
  try {
    await promise;
  } catch (error) {
    if (error instanceof Problem) return error;
    throw error;
  }
  throw new Error('nothing went wrong');
}

describe('what goes wrong', () => {
  it('is said in the words of the hub', async () => {
    const { fetch } = answering(
      json({ detail: 'You have 3 sessions already. Delete one.', code: 'conflict' }, { status: 409 }),
    );
    const found = await problem(new Api({ fetch }).start('rspark', 'k'));
    expect(found).toMatchObject({
      message: 'You have 3 sessions already. Delete one.',
      status: 409,
      code: 'conflict',
    });
  });

  it('says when to try again', async () => {
    const { fetch } = answering(
      json({ detail: 'Too many attempts.' }, { status: 429, headers: { 'Retry-After': '42' } }),
    );
    expect((await problem(new Api({ fetch }).login('ada', 'x'))).retryAfter).toBe(42);
  });

  it('is a sentence also when the hub is not there', async () => {
    const { fetch } = answering(new TypeError('Failed to fetch'));
    expect((await problem(new Api({ fetch }).me())).message).toContain('does not answer');
  });

  it('is a sentence also when a proxy answers in its own words', async () => {
    const { fetch } = answering(new Response('<h1>502</h1>', { status: 502 }));
    expect((await problem(new Api({ fetch }).me())).message).toContain('does not answer');
  });

  it('is a sentence also when it is a mistake of the page', () => {
    expect(errorMessage(new TypeError('x is undefined'))).toContain('Reload');
  });
});

it('an expired sign-in is reported, a wrong password is not taken for one', async () => {
  const onSignedOut = vi.fn();
  const unknown = () => json({ detail: 'No.' }, { status: 401 });
  const { fetch } = answering(unknown(), unknown());
  const api = new Api({ fetch, onSignedOut });
  await problem(api.login('ada', 'wrong'));
  expect(onSignedOut).not.toHaveBeenCalled();
  await problem(api.me());
  expect(onSignedOut).toHaveBeenCalledOnce();
});

it('a long list is read page by page', async () => {
  const { fetch, asked } = answering(
    json({ sessions: [{ id: 'a' }], next: 'a' }),
    json({ sessions: [{ id: 'b' }], next: null }),
  );
  const sessions = await new Api({ fetch }).sessions(true);
  expect(sessions.map((session) => session.id)).toEqual(['a', 'b']);
  expect(asked.map(({ url }) => url)).toEqual([
    '/hub/api/sessions?limit=500&all=true',
    '/hub/api/sessions?limit=500&all=true&after=a',
  ]);
});

it('a start carries the name of its intention', async () => {
  const { fetch, asked } = answering(json({ id: 'a' }));
  await new Api({ fetch }).start('rspark', 'once', 'Homework');
  expect(asked[0]?.init).toMatchObject({
    method: 'POST',
    body: '{"environment":"rspark","name":"Homework"}',
    headers: { 'Idempotency-Key': 'once' },
  });
});

it('a log comes piece by piece', async () => {
  const { fetch } = answering(new Response('one\ntwo\n'));
  const pieces: string[] = [];
  await new Api({ fetch }).followLog('a', 'interface', new AbortController().signal, (text) =>
    pieces.push(text),
  );
  expect(pieces.join('')).toBe('one\ntwo\n');
});

it('the time of the hub is reported with each response', async () => {
  const onTime = vi.fn();
  const { fetch } = answering(json({}, { headers: { Date: 'Tue, 24 Nov 2026 10:00:00 GMT' } }));
  await new Api({ fetch, onTime }).me();
  expect(onTime).toHaveBeenCalledWith(Date.UTC(2026, 10, 24, 10));
});

it('takes the answers of a hub of the version before, which knows no assignments', async () => {
  const { fetch } = answering(
    json({ name: 'stats' }),
    json({ courses: [{ group: 'stats' }, { group: 'math', assignments: [{ name: 'lab1' }] }] }),
  );
  const api = new Api({ fetch });
  expect((await api.course('stats')).assignments).toEqual([]);
  expect((await api.courses()).map((each) => each.assignments)).toEqual([[], [{ name: 'lab1' }]]);
});
