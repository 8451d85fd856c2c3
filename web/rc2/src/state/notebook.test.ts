import 'fake-indexeddb/auto';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import * as notebooks from '../session/notebooks.ts';
import { VersionConflict } from '../session/contents.ts';
import type { NotebookSaved } from '../protocol/messages.ts';
import { Execution } from './consoles.svelte.ts';
import { Document } from './documents.svelte.ts';
import { Drafts } from './drafts.ts';

vi.mock('../session/base.ts', async () => {
  class RequestFailed extends Error {}
  return await Promise.resolve({ RequestFailed, base: new URL('http://x/s/1/') });
});
vi.mock('../session/contents.ts', async () => {
  class VersionConflict extends Error {
    constructor(readonly theirs: notebooks.NotebookFile) {
      super('conflict');
    }
  }
  return await Promise.resolve({ VersionConflict, version: vi.fn() });
});
vi.mock('../session/notebooks.ts', async () => Promise.resolve({ read: vi.fn(), write: vi.fn() }));

const AFTER = '2026-01-01T11:00:00Z';
const TEXT = '<!-- cell m -->\n# Title\n\n```{r, a}\n1\n```\n\n```{r, b}\n2\n```\n';
const STORED = { type: 'stream' as const, name: 'stdout' as const, text: 'stored\n' };
const file = (text: string, hash: string, modified = '2026-01-01T10:00:00Z'): notebooks.NotebookFile => ({
  path: 'a.ipynb',
  name: 'a.ipynb',
  text,
  hash,
  writable: true,
  notebook: { language: 'r', kernel: 'ir', modified, outputs: { a: [STORED], b: [STORED] } },
});

const answer = (renamed: Record<string, string> = {}, missing: string[] = []): NotebookSaved => ({
  hash: '2',
  modified: AFTER,
  renamed,
  missing,
});

let runs: Execution[] = [];
let told: string[] = [];
const run = (
  id: string,
  chunk: string,
  time: string | null,
  status: Execution['status'] = 'ok',
): Execution => {
  const made = new Execution(id, 'code', 'ann', { path: 'a.ipynb', first_line: 1, last_line: 1, chunk });
  made.queued = time ?? '2026-01-01T12:00:00Z';
  made.finished = time;
  made.status = time === null ? 'running' : status;
  made.print('stdout', `of ${id}\n`);
  runs.push(made);
  return made;
};

describe('a notebook', () => {
  const read = vi.mocked(notebooks.read);
  const write = vi.mocked(notebooks.write);
  const drafts = new Drafts('/s/1/');
  const opened = async (): Promise<Document> => {
    const document = new Document('a.ipynb', drafts, {
      runs: () => runs,
      change: () => false,
      tell: (text) => told.push(text),
    });
    await document.load();
    return document;
  };
  const shown = (document: Document, cell: string): string | undefined =>
    document.notebook
      ?.shown(cell)
      ?.outputs.map((one) => (one.kind === 'text' ? one.text : one.kind))
      .join('');

  beforeEach(async () => {
    vi.resetAllMocks();
    runs = [];
    told = [];
    await drafts.remove('a.ipynb');
    read.mockResolvedValue(file(TEXT, '1'));
    write.mockResolvedValue(answer());
  });

  it('shows what its file has, unless a cell was run since', async () => {
    const document = await opened();
    run('old', 'a', '2026-01-01T09:00:00Z');
    run('never', 'b', AFTER, 'cancelled');
    expect([shown(document, 'a'), shown(document, 'b'), shown(document, 'c')]).toEqual([
      'stored\n',
      'stored\n',
      undefined,
    ]);
    expect(document.dirty).toBe(false);
    run('new', 'a', AFTER);
    expect(shown(document, 'a')).toBe('of new\n');
    expect(document.dirty).toBe(true);
  });

  it('saves the output of cells that have ended, once', async () => {
    const document = await opened();
    run('done', 'a', AFTER);
    const open = run('open', 'b', null);
    expect(await document.save()).toBe(true);
    expect(write).toHaveBeenCalledWith('a.ipynb', {
      text: TEXT,
      read: '1',
      language: 'r',
      outputs: { a: 'done' },
    });
    expect(document.dirty).toBe(false);
    expect(shown(document, 'a')).toBe('of done\n');
    open.status = 'ok';
    open.finished = AFTER;
    expect(document.dirty).toBe(true);
    await document.save();
    expect(write.mock.lastCall?.[1]).toMatchObject({ read: '2', outputs: { b: 'open' } });
  });

  it('saves that output was removed', async () => {
    const document = await opened();
    run('done', 'a', AFTER);
    document.notebook?.remove('a');
    document.notebook?.remove('b');
    expect([shown(document, 'a'), shown(document, 'b')]).toEqual([undefined, undefined]);
    await document.save();
    expect(write.mock.lastCall?.[1].outputs).toEqual({ a: null, b: null });
    expect(document.dirty).toBe(false);
    expect([shown(document, 'a'), shown(document, 'b')]).toEqual([undefined, undefined]);
  });

  it('gives new cells names before it is saved', async () => {
    const document = await opened();
    document.edit(`${TEXT}\n\`\`\`{r}\n3\n\`\`\`\n`);
    await document.save();
    const text = write.mock.lastCall?.[1].text ?? '';
    expect(text).toMatch(/\n```\{r, [0-9a-f]{8}\}\n3\n```\n$/);
    expect(document.text).toBe(text);
    expect(document.dirty).toBe(false);
  });

  it('follows the names that its file gives, with what stands under the cells', async () => {
    const document = await opened();
    run('done', 'a', AFTER);
    write.mockResolvedValue(answer({ a: 'x', b: 'y' }));
    await document.save();
    expect(document.text).toBe(TEXT.replace('r, a', 'r, x').replace('r, b', 'r, y'));
    expect([shown(document, 'x'), shown(document, 'y')]).toEqual(['of done\n', 'stored\n']);
    expect(document.dirty).toBe(false);
  });

  it('gives a run to one cell alone where another cell gets the name that its cell had', async () => {
    const document = await opened();
    document.edit(TEXT.replace('\n1\n', '\n7\n'));
    run('first', 'a', AFTER);
    write.mockResolvedValue(answer({ a: 'q' }));
    await document.save();
    document.edit(`${document.text}\n\`\`\`{r, n}\n1\n\`\`\`\n`);
    write.mockResolvedValue(answer({ n: 'a' }));
    await document.save();
    expect([shown(document, 'q'), shown(document, 'a')]).toEqual(['of first\n', undefined]);
    run('second', 'a', '2026-01-01T11:30:00Z');
    write.mockResolvedValue(answer());
    await document.save();
    expect(write.mock.lastCall?.[1].outputs).toEqual({ a: 'second' });
  });

  it('forgets the run of a cell that is gone where its twin gets its name', async () => {
    const document = await opened();
    run('of the first', 'a', AFTER);
    document.edit(TEXT.replace('```{r, a}\n1\n```\n\n', ''));
    write.mockResolvedValue(answer({ b: 'a' }));
    await document.save();
    expect(shown(document, 'a')).toBe('stored\n');
    expect(document.dirty).toBe(false);
  });

  it('keeps what stands under cells that exchange their names', async () => {
    const document = await opened();
    run('one', 'a', AFTER);
    document.notebook?.follow({ modified: AFTER, outputs: { a: [STORED], b: [{ ...STORED, text: 'b\n' }] } });
    write.mockResolvedValue(answer({ a: 'b', b: 'a' }));
    await document.save();
    expect([shown(document, 'b'), shown(document, 'a')]).toEqual(['of one\n', 'b\n']);
  });

  it('says which output is no longer there to be saved', async () => {
    const document = await opened();
    run('done', 'a', AFTER);
    write.mockResolvedValue(answer({}, ['a']));
    await document.save();
    expect(told).toEqual([expect.stringContaining('a.ipynb is saved without the new output of a cell,')]);
    expect(document.dirty).toBe(false);
  });

  it('leaves output that others wrote after a cell was run here', async () => {
    const document = await opened();
    run('done', 'a', AFTER);
    run('newer', 'b', '2026-01-01T13:00:00Z');
    const theirs = file(TEXT, '5', '2026-01-01T12:00:00Z');
    const other = [{ ...STORED, text: 'theirs\n' }];
    theirs.notebook.outputs = { a: other, b: other };
    write.mockRejectedValueOnce(new VersionConflict(theirs));
    expect(await document.save()).toBe(true);
    expect(write.mock.calls.map(([, { read: version, outputs }]) => [version, outputs])).toEqual([
      ['1', { a: 'done', b: 'newer' }],
      ['5', { b: 'newer' }],
    ]);
    expect([shown(document, 'a'), shown(document, 'b')]).toEqual(['theirs\n', 'of newer\n']);
    expect(document.dirty).toBe(false);
  });

  it('does not take for saved what was run while a save was under way', async () => {
    const document = await opened();
    run('done', 'a', AFTER);
    document.notebook?.remove('a');
    let end: (saved: NotebookSaved) => void = () => undefined;
    write.mockReturnValue(new Promise((resolve) => (end = resolve)));
    const saving = document.save();
    await vi.waitFor(() => expect(write).toHaveBeenCalled(), 60_000);
    run('again', 'a', '2026-01-01T11:30:00Z');
    end(answer());
    await saving;
    expect(shown(document, 'a')).toBe('of again\n');
    expect(document.notebook?.pending(document.text)).toEqual({ a: 'again' });
  });

  it('says once that options in the head of a chunk are not saved', async () => {
    const document = await opened();
    document.edit(TEXT.replace('{r, b}', '{r, b, echo=FALSE}'));
    await document.save();
    document.edit(`${document.text}\nmore\n`);
    await document.save();
    expect(told).toEqual([
      expect.stringContaining('without the options in the head of its chunk in line 8:'),
    ]);
    document.edit(TEXT);
    await document.save();
    expect(told.length).toBe(1);
  });

  it('drops a draft that is the JSON of a notebook', async () => {
    await drafts.write({ path: 'a.ipynb', text: '{"cells": []}', read: '1', at: 1 });
    const document = await opened();
    expect([document.text, document.recovered, document.dirty]).toEqual([TEXT, null, false]);
    expect(await drafts.read('a.ipynb')).toBeFalsy();
  });

  it('is in a conflict where its text was changed meanwhile, and in none where only outputs were', async () => {
    const document = await opened();
    run('done', 'a', AFTER);
    const { version } = await import('../session/contents.ts');
    vi.mocked(version).mockResolvedValue('5');
    read.mockResolvedValue(file(TEXT, '5', '2026-01-01T12:00:00Z'));
    await document.refresh();
    expect(document.problem).toBeNull();
    expect(document.read).toBe('5');
    expect(shown(document, 'a')).toBe('of done\n');
    document.edit(`${TEXT}\nmore\n`);
    write.mockRejectedValue(new VersionConflict(file('theirs', '6')));
    expect(await document.save()).toBe(false);
    expect(document.problem).toMatchObject({ kind: 'conflict', theirs: { text: 'theirs' } });
    await document.settle('theirs');
    expect(document.text).toBe('theirs');
  });

  it('that was removed is written anew', async () => {
    const first = await opened();
    first.edit('```{python, a}\n1\n```\n');
    await first.keep();
    read.mockRejectedValue(new Error('gone'));
    const second = await opened();
    await second.save();
    expect(write.mock.lastCall?.[1]).toMatchObject({ language: 'python', outputs: {}, read: '1' });
    expect(second.notebook?.language).toBe('python');
  });
});
