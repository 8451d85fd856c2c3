import { afterEach, describe, expect, it, vi } from 'vitest';
import { Problem } from './api.ts';
import {
  filesOf,
  nameFor,
  namesOf,
  sendAll,
  sendFile,
  visibleFiles,
  type Progress,
  type Send,
} from './sending.ts';

function file(name: string, size = 1, within = ''): File {
  const made = new File([new Uint8Array(size)], name);
  Object.defineProperty(made, 'webkitRelativePath', { value: within && `${within}/${name}` });
  return made;
}

function sending(send: Send, files: File[], most = 100, stop = new AbortController()) {
  const told: Progress[] = [];
  const options = { most, signal: stop.signal, onprogress: (at: Progress) => told.push(at) };
  return sendAll(filesOf(files), send, options).then((refused) => ({ refused, told }));
}

describe('visibleFiles', () => {
  it('keeps the paths in a folder, and leaves hidden files of it out', () => {
    const files = [file('a.csv', 1, 'week1'), file('.DS_Store', 1, 'week1'), file('config', 1, 'week1/.git')];
    const { chosen, hidden } = visibleFiles(filesOf(files), '/labs/');
    expect(chosen.map(({ path }) => path)).toEqual(['labs/week1/a.csv']);
    expect(hidden).toBe(2);
  });
  it('takes single files as they are chosen, also one that the hub will refuse', () => {
    expect(visibleFiles(filesOf([file('.Rprofile')])).chosen.map(({ path }) => path)).toEqual(['.Rprofile']);
  });
});

describe('nameFor', () => {
  const own = [{ name: 'lab1' }, { name: 'Lab1.v2' }];
  it.each([
    ['LAB1.tar.gz', 'LAB1.tar.gz'],
    ['lab1 .Rmd', 'lab1 .Rmd'],
    ['lab1-.Rmd', 'lab1.lab1-.Rmd'],
    ['lab1.v2.Rmd', 'lab1.lab1.v2.Rmd'],
    ['report.pdf', 'lab1.report.pdf'],
    ['lab1', 'lab1'],
  ])('has %s count for lab1 as %s', (file, name) => {
    expect(nameFor('lab1', file, own)).toBe(name);
  });
});

describe('sendAll', () => {
  it('sends one after another, and says how far it is', async () => {
    const { refused, told } = await sending(
      (_, onbytes) => {
        onbytes(1);
        return Promise.resolve();
      },
      [file('a', 1), file('b', 3)],
    );
    expect(refused).toEqual([]);
    expect(told.map(({ path, number, of, part }) => [path, number, of, part])).toEqual([
      ['a', 1, 2, 0],
      ['a', 1, 2, 0.25],
      ['b', 2, 2, 0.25],
      ['b', 2, 2, 0.5],
    ]);
  });
  it('goes on after what is refused, with one sentence for all to which it applies', async () => {
    const sent: string[] = [];
    const { refused } = await sending(
      ({ path }) => {
        if (path !== 'good')
          return Promise.reject(new Problem('Rename it, and try again.', 422, 'invalid-input'));
        sent.push(path);
        return Promise.resolve();
      },
      [file('-a'), file('-b'), file('large', 101), file('good')],
    );
    expect(sent).toEqual(['good']);
    expect(refused).toEqual([
      { why: 'Rename it, and try again.', paths: ['-a', '-b'] },
      { why: 'A file of a course has up to 100 B. Leave out what can be computed again.', paths: ['large'] },
    ]);
  });
  it('stops where the next file would get the same answer, or somebody stops it', async () => {
    let asked = 0;
    const away: Send = () => {
      asked++;
      return Promise.reject(new Problem('RSparkHub does not answer.', 0, 'unreachable'));
    };
    const { refused } = await sending(away, [file('a'), file('b')]);
    expect(asked).toBe(1);
    expect(refused).toEqual([{ why: 'RSparkHub does not answer.', paths: ['a', 'b'] }]);
    const stop = new AbortController();
    const stopped: Send = () => {
      stop.abort();
      return Promise.reject(new Problem('', 0, 'unreachable'));
    };
    expect((await sending(stopped, [file('a'), file('b')], 100, stop)).refused).toEqual([
      { why: 'You stopped it. What was sent before is there.', paths: ['a', 'b'] },
    ]);
  });
});

describe('sendAll, where the hub has enough for now', () => {
  const enough = (after: number | null) => new Problem('Too many changes.', 429, 'rate', after);
  afterEach(() => {
    vi.useRealTimers();
  });

  it('waits as long as the hub says, and sends the same file again', async () => {
    vi.useFakeTimers();
    const asked: string[] = [];
    const done = sending(
      ({ path }) => {
        asked.push(path);
        return asked.length === 2 ? Promise.reject(enough(30)) : Promise.resolve();
      },
      [file('a'), file('b'), file('c')],
    );
    await vi.advanceTimersByTimeAsync(29_000);
    expect(asked).toEqual(['a', 'b']);
    await vi.advanceTimersByTimeAsync(1_000);
    expect((await done).refused).toEqual([]);
    expect(asked).toEqual(['a', 'b', 'b', 'c']);
  });
  it('waits no longer than until somebody stops it', async () => {
    vi.useFakeTimers();
    const stop = new AbortController();
    const done = sending(() => Promise.reject(enough(600)), [file('a'), file('b')], 100, stop);
    await vi.advanceTimersByTimeAsync(1_000);
    stop.abort();
    expect((await done).refused).toEqual([
      { why: 'You stopped it. What was sent before is there.', paths: ['a', 'b'] },
    ]);
    expect(vi.getTimerCount()).toBe(0);
  });
  it('ends where the hub does not say how long', async () => {
    const { refused } = await sending(() => Promise.reject(enough(null)), [file('a'), file('b')]);
    expect(refused).toEqual([{ why: 'Too many changes.', paths: ['a', 'b'] }]);
  });
});

describe('sendFile', () => {
  /** A request that gets an answer when a test says so. */
  class Request extends EventTarget {
    static last: Request;
    readonly upload = new EventTarget();
    status = 0;
    responseText = '';
    constructor() {
      super();
      Request.last = this;
    }
    open = () => undefined;
    setRequestHeader = () => undefined;
    getResponseHeader = () => null;
    send = () => undefined;
    abort = () => this.end('abort');
    end(event: 'load' | 'abort', text = '', status = 0): void {
      Object.assign(this, { responseText: text, status });
      this.dispatchEvent(new Event(event));
      this.dispatchEvent(new Event('loadend'));
    }
  }

  function start(): Promise<unknown> {
    vi.useFakeTimers();
    vi.stubGlobal('XMLHttpRequest', Request);
    return sendFile('PUT', '/hub/api/file', new Blob(['1'])).catch((error: unknown) => error);
  }

  afterEach(() => {
    vi.useRealTimers();
    vi.unstubAllGlobals();
  });

  it('returns the answer', async () => {
    const answer = start();
    Request.last.end('load', '{"id": "a"}', 200);
    expect(await answer).toEqual({ id: 'a' });
    expect(vi.getTimerCount()).toBe(0);
  });
  it('says so where the answer is a page, as a proxy has one', async () => {
    const answer = start();
    Request.last.end('load', '<p>Sign in', 200);
    expect(await answer).toMatchObject({
      message: 'RSparkHub’s answer can’t be read. Reload the page.',
      status: 0,
    });
  });
  it('ends where nothing goes on, and not before', async () => {
    const answer = start();
    let ended = false;
    void answer.then(() => (ended = true));
    await vi.advanceTimersByTimeAsync(119_000);
    Request.last.upload.dispatchEvent(Object.assign(new Event('progress'), { loaded: 1 }));
    await vi.advanceTimersByTimeAsync(119_000);
    expect(ended).toBe(false);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(await answer).toMatchObject({ code: 'unreachable' });
  });
  it('sends nothing once it is stopped', async () => {
    vi.stubGlobal('XMLHttpRequest', Request);
    const sent = sendFile('PUT', '/hub/api/file', new Blob(['1']), { signal: AbortSignal.abort() });
    await expect(sent).rejects.toMatchObject({ code: 'unreachable' });
  });
});

describe('namesOf', () => {
  it('says the first of many', () => {
    expect(namesOf(['a', 'b', 'c', 'd'])).toBe('a, b, c and d');
    expect(namesOf(['a', 'b', 'c', 'd', 'e'])).toBe('a, b, c and 2 more');
  });
});
