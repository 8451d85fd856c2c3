import { afterEach, expect, it, vi } from 'vitest';

vi.stubGlobal('document', { baseURI: 'http://x/s/1/rc2/', cookie: '' });
const { RequestFailed, request } = await import('./base.ts');

const answers = (status: number, body: string): void => {
  vi.stubGlobal('fetch', () => Promise.resolve(new Response(body, { status })));
};

afterEach(() => vi.unstubAllGlobals());

it.each([
  [503, { title: 'R is computing. Try again when it is done.', status: 503 }, 'R is computing.'], // Rc²'s own
  [424, { title: 'Failed Dependency', detail: 'The session sleeps.' }, 'The session sleeps.'], // the hub's
  [404, { message: 'No such file or directory: a.R', reason: null }, 'No such file'], // Jupyter's
])('says why a request is refused: %i', async (status, body, why) => {
  vi.stubGlobal('document', { baseURI: 'http://x/s/1/rc2/', cookie: '' });
  answers(status, JSON.stringify(body));
  const failed = request('rc2/api/x');
  await expect(failed).rejects.toBeInstanceOf(RequestFailed);
  await expect(failed).rejects.toThrow(why);
});

it('has a sentence of its own where an answer is not JSON', async () => {
  vi.stubGlobal('document', { baseURI: 'http://x/s/1/rc2/', cookie: '' });
  answers(503, '<html>');
  await expect(request('x')).rejects.toThrow('asleep or starting');
});
