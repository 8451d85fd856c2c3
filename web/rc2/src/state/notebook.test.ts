import 'fake-indexeddb/auto';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import * as notebooks from '../session/notebooks.ts';
import { VersionConflict } from '../session/contents.ts';
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

const TEXT = '<!-- cell m -->\n# Title\n\n```{r, a}\n1\n```\n\n```{r, b}\n2\n```\n';
const STORED = { type: 'stream' as const, name: 'stdout' as const, text: 'stored\n' };
const file = (text: string, hash: string, modified = '2026-01-01T10:00:00Z'): notebooks.NotebookFile => ({
  path: 'a.ipynb',
  name: 'a.ipynb',
  text,
  hash,
  writable: true,
  notebook: { language: 'r', modified, outputs: { a: [STORED], b: [STORED] } },
});

let runs: Execution[] = [];
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
const AFTER = '2026-01-01T11:00:00Z';

describe('a notebook', () => {
  const read = vi.mocked(notebooks.read);
  const write = vi.mocked(notebooks.write);
  const drafts = new Drafts('/s/1/');
  const opened = async (): Promise<Document> => {
    const document = new Document('a.ipynb', drafts, { runs: () => runs, change: () => false });
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
    await drafts.remove('a.ipynb');
    read.mockResolvedValue(file(TEXT, '1'));
    write.mockResolvedValue({ hash: '2', modified: AFTER, renamed: {} });
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
    write.mockResolvedValue({ hash: '2', modified: AFTER, renamed: { a: 'x', b: 'y' } });
    await document.save();
    expect(document.text).toBe(TEXT.replace('r, a', 'r, x').replace('r, b', 'r, y'));
    expect([shown(document, 'x'), shown(document, 'y')]).toEqual(['of done\n', 'stored\n']);
    expect(document.dirty).toBe(false);
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
