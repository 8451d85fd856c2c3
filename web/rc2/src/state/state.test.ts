import 'fake-indexeddb/auto';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import type { ConsoleEvent, Preferences } from '../protocol/messages.ts';
import * as contents from '../session/contents.ts';
import { RequestFailed } from '../session/base.ts';
import { Consoles } from './consoles.svelte.ts';
import { Document } from './documents.svelte.ts';
import { Drafts } from './drafts.ts';
import { Past } from './past.ts';
import { fromSession, parse, toSession } from './settings.svelte.ts';
import { bytes, elapsed } from './texts.ts';

vi.mock('../session/base.ts', async () => {
  class RequestFailed extends Error {
    constructor(
      message: string,
      readonly status: number,
    ) {
      super(message);
    }
  }
  return await Promise.resolve({ RequestFailed, base: new URL('http://x/s/1/') });
});
vi.mock('../session/contents.ts', async () => {
  class VersionConflict extends Error {
    constructor(readonly theirs: contents.TextFile) {
      super('conflict');
    }
  }
  return await Promise.resolve({
    VersionConflict,
    readText: vi.fn(),
    writeText: vi.fn(),
    version: vi.fn(),
  });
});

let seq = 0;
const event = (type: string, more: object = {}): ConsoleEvent =>
  ({
    seq: (seq += 1),
    time: '2026-01-01T00:00:00Z',
    console: 'c',
    execution: 'e',
    type,
    ...more,
  }) as ConsoleEvent;
const STARTED = { kernelspec: 'r', language: 'R', title: 'R', project: '', kernel: 'k' };

describe('a transcript', () => {
  const from = (...events: ConsoleEvent[]): Consoles => {
    const consoles = new Consoles();
    for (const one of [
      event('console_started', STARTED),
      event('execution_queued', { who: 'ann', code: '1', source: null }),
      event('execution_started'),
      ...events,
    ])
      consoles.apply(one);
    return consoles;
  };

  it('joins what is printed, by its stream', () => {
    const consoles = from(
      event('stream', { name: 'stdout', text: 'a' }),
      event('stream', { name: 'stdout', text: '\rb\n' }),
      event('stream', { name: 'stderr', text: 'w' }),
      event('execution_finished', { status: 'ok', reason: null, dropped: 0 }),
    );
    const execution = consoles.get('c')?.executions[0];
    expect(
      execution?.outputs.map((output) => output.kind === 'text' && [output.stream, output.text]),
    ).toEqual([
      ['stdout', 'b\n'],
      ['stderr', 'w'],
    ]);
    expect(execution?.status).toBe('ok');
  });

  it('clears at once, or with what comes next', () => {
    const shown = (wait: boolean): number =>
      from(event('stream', { name: 'stdout', text: 'a' }), event('clear_output', { wait })).get('c')
        ?.executions[0]?.outputs.length ?? -1;
    expect(shown(false)).toBe(0);
    expect(shown(true)).toBe(1);
    const next = from(
      event('stream', { name: 'stdout', text: 'a' }),
      event('clear_output', { wait: true }),
      event('stream', { name: 'stdout', text: 'b' }),
    ).get('c')?.executions[0]?.outputs;
    expect(next).toMatchObject([{ text: 'b' }]);
  });

  it('asks, and keeps the answer', () => {
    const consoles = from(event('input_request', { prompt: 'n: ', password: false }));
    expect(consoles.get('c')?.request).toEqual({ prompt: 'n: ', password: false });
    consoles.apply(event('input_replied', { value: '3' }));
    expect(consoles.get('c')?.request).toBeNull();
    expect(consoles.get('c')?.executions[0]?.outputs).toMatchObject([{ kind: 'answer', value: '3' }]);
  });

  it('is current when all that was recorded has been heard', () => {
    const consoles = new Consoles();
    consoles.greet(3);
    consoles.heard(2);
    expect(consoles.current).toBe(false);
    consoles.heard(3);
    expect(consoles.current).toBe(true);
    consoles.greet(9); // the connection was lost and is there again
    expect(consoles.current).toBe(true);
    const empty = new Consoles();
    empty.greet(0);
    expect(empty.current).toBe(true);
  });

  it('is not current any more where the log begins anew, until what that has is heard', () => {
    const consoles = new Consoles();
    consoles.greet(3);
    consoles.heard(3);
    consoles.reset();
    expect(consoles.current).toBe(false);
    consoles.greet(9);
    consoles.heard(3);
    expect(consoles.current).toBe(false);
    consoles.heard(9);
    expect(consoles.current).toBe(true);
  });

  it('is bounded', () => {
    const long = from(event('stream', { name: 'stdout', text: 'line\n'.repeat(200_000) }));
    const [output] = long.get('c')?.executions[0]?.outputs ?? [];
    expect(output?.kind === 'text' && output.cut && output.text.length < 400_000).toBe(true);
  });

  it('holds nothing of executions that are shown no more', () => {
    const consoles = from(event('stream', { name: 'stdout', text: 'much' }));
    const first = consoles.get('c')?.executions[0];
    for (let at = 0; at < 2000; at += 1)
      consoles.apply(event('execution_queued', { execution: `e${at}`, who: '', code: '', source: null }));
    expect(consoles.get('c')?.executions).toHaveLength(2000);
    expect(first?.outputs).toEqual([]);
  });

  it('shows an execution of which the log has lost the beginning', () => {
    const consoles = new Consoles();
    consoles.apply(event('console_started', STARTED));
    consoles.apply(event('stream', { execution: 'old', name: 'stdout', text: 'x' }));
    expect(consoles.get('c')?.executions).toHaveLength(1);
  });
});

describe('a document', () => {
  const file = (text: string, hash: string): contents.TextFile => ({
    path: 'a.R',
    name: 'a.R',
    text,
    hash,
    writable: true,
  });
  const drafts = new Drafts('/s/1/');
  const read = vi.mocked(contents.readText);
  const write = vi.mocked(contents.writeText);

  beforeEach(async () => {
    vi.resetAllMocks();
    await drafts.remove('a.R');
    read.mockResolvedValue(file('one', '1'));
  });
  const opened = async (): Promise<Document> => {
    const document = new Document('a.R', drafts);
    await document.load();
    return document;
  };

  it('comes back as it was typed, when the page went away', async () => {
    const first = await opened();
    first.edit('one and more');
    await first.keep();
    const second = await opened();
    expect(second.text).toBe('one and more');
    expect(second.dirty).toBe(true);
    expect(second.recovered).not.toBeNull();
    expect(second.problem).toBeNull();
  });

  it('says so where the file has changed meanwhile, and overwrites nothing', async () => {
    const first = await opened();
    first.edit('mine');
    await first.keep();
    read.mockResolvedValue(file('theirs', '2'));
    const second = await opened();
    expect(second.text).toBe('mine');
    expect(second.problem).toMatchObject({ kind: 'conflict', theirs: { text: 'theirs' } });
    write.mockResolvedValue('3');
    await second.settle('mine');
    expect(write).toHaveBeenCalledWith('a.R', 'mine', '2');
    expect(second.dirty).toBe(false);
    expect(await drafts.read('a.R')).toBeUndefined();
  });

  it('is in no conflict with itself, when it is saved while the page looks what the session has', async () => {
    const document = await opened();
    document.edit('mine');
    let answer: (hash: string) => void = () => undefined;
    vi.mocked(contents.version).mockReturnValue(new Promise((resolve) => (answer = resolve)));
    const looked = document.refresh();
    await vi.waitFor(() => {
      expect(contents.version).toHaveBeenCalled();
    });
    let written: (hash: string) => void = () => undefined;
    write.mockReturnValue(new Promise((resolve) => (written = resolve)));
    const saved = document.save();
    await vi.waitFor(() => {
      expect(write).toHaveBeenCalledWith('a.R', 'mine', '1');
    });
    document.edit('mine and more');
    read.mockResolvedValue(file('mine', '2')); // the session has it already, and its answer is on the way
    answer('2');
    await looked;
    expect(document.problem).toBeNull();
    written('2');
    expect(await saved).toBe(true);
    expect(document.text).toBe('mine and more');
    expect(document.dirty).toBe(true);
  });

  it('takes theirs when the person says so', async () => {
    const document = await opened();
    document.edit('mine');
    write.mockRejectedValue(new contents.VersionConflict(file('theirs', '2')));
    expect(await document.save()).toBe(false);
    await document.settle('theirs');
    expect(document.text).toBe('theirs');
    expect(document.dirty).toBe(false);
  });

  it('keeps what was typed when it can’t be saved', async () => {
    const document = await opened();
    document.edit('mine');
    write.mockRejectedValue(new RequestFailed('The home is full.', 507));
    expect(await document.save()).toBe(false);
    expect(document.problem).toEqual({ kind: 'failed', message: 'The home is full.' });
    expect((await drafts.read('a.R'))?.text).toBe('mine');
  });

  it('is opened and saved where the browser keeps nothing', async () => {
    const denied = vi.spyOn(indexedDB, 'open').mockImplementation(() => {
      throw new DOMException('The operation is insecure.', 'SecurityError');
    });
    const document = new Document('a.R', new Drafts('/s/2/'));
    await document.load();
    for (const text of ['mine', 'mine again']) {
      document.edit(text);
      write.mockResolvedValue(text);
      expect(await document.save()).toBe(true);
    }
    expect(write).toHaveBeenLastCalledWith('a.R', 'mine again', 'mine');
    denied.mockRestore();
  });

  it('follows the file while nobody has typed', async () => {
    const document = await opened();
    vi.mocked(contents.version).mockResolvedValue('2');
    read.mockResolvedValue(file('two', '2'));
    await document.refresh();
    expect(document.text).toBe('two');
  });

  it('is still there when the file is gone', async () => {
    const first = await opened();
    first.edit('mine');
    await first.keep();
    read.mockRejectedValue(new RequestFailed('gone', 404));
    const second = await opened();
    expect(second.text).toBe('mine');
    expect(second.problem).toEqual({ kind: 'gone' });
  });

  it('keeps its ends of lines', async () => {
    read.mockResolvedValue(file('a\r\nb', '1'));
    const document = await opened();
    expect(document.text).toBe('a\nb');
    document.edit('a\nb\nc');
    write.mockResolvedValue('2');
    await document.save();
    expect(write).toHaveBeenCalledWith('a.R', 'a\r\nb\r\nc', '1');
  });
});

describe('what was run', () => {
  it('comes back with the arrows, and what was half written with it', () => {
    const past = new Past();
    const codes = ['a', 'b', 'b'];
    expect(past.step(-1, 'new', codes)).toBe('b');
    expect(past.step(-1, 'b', codes)).toBe('a');
    expect(past.step(-1, 'a', codes)).toBeNull();
    expect(past.step(1, 'a', codes)).toBe('b');
    expect(past.step(1, 'b', codes)).toBe('new');
    expect(past.step(1, 'new', codes)).toBeNull();
  });
});

describe('settings', () => {
  it('are the same after a way through the session', () => {
    const settings = {
      ...parse(null),
      theme: 'dark' as const,
      fontSize: 20,
      wrapText: false,
      keys: { save: ['F2'] },
    };
    const sent = toSession(settings) as Preferences;
    expect(fromSession({ ...sent, kept: true, note: null })).toEqual(settings);
    expect(toSession({ tabSize: 8, vim: true })).toEqual({ tab_size: 8, vim: true });
  });

  it('that don’t fit are as if they weren’t there', () => {
    expect(parse('{"fontSize": "big", "wrap": true, "other": 1}')).toMatchObject({
      fontSize: 13,
      wrap: true,
    });
    expect(parse('nonsense').theme).toBe('system');
  });
});

it('says times and sizes as people do', () => {
  expect([40, 1500, 61_000, 3_720_000].map(elapsed)).toEqual(['40 ms', '1.5 s', '1 min 01 s', '1 h 02 min']);
  expect([12, 1500, 2_000_000].map(bytes)).toEqual(['12 B', '1.5 kB', '2.0 MB']);
});
