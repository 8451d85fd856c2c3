import 'fake-indexeddb/auto';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import * as contents from '../session/contents.ts';
import * as notebooks from '../session/notebooks.ts';
import * as session from '../session/search.ts';
import { Documents, type Document } from './documents.svelte.ts';
import { Drafts } from './drafts.ts';
import { Search } from './search.svelte.ts';

vi.mock('../session/base.ts', () => ({
  RequestFailed: class RequestFailed extends Error {},
  base: new URL('http://x/s/1/'),
}));
vi.mock('../session/contents.ts', () => ({
  VersionConflict: class VersionConflict extends Error {},
  readText: vi.fn(),
  writeText: vi.fn(),
  version: vi.fn(),
}));
vi.mock('../session/notebooks.ts', () => ({ read: vi.fn() }));
vi.mock('../session/search.ts', () => ({ search: vi.fn(), edits: vi.fn(), replace: vi.fn(), undo: vi.fn() }));

/** The session's files; their versions are their texts. */
const files = new Map<string, string>();
let documents: Documents;
let search: Search;

beforeEach(() => {
  vi.resetAllMocks();
  files.clear();
  files.set('a.R', 'old\n');
  vi.mocked(contents.version).mockImplementation((path) => Promise.resolve(files.get(path) ?? null));
  vi.mocked(contents.readText).mockImplementation((path) => {
    const text = files.get(path) ?? '';
    return Promise.resolve({ path, name: path, text, hash: text, writable: true });
  });
  vi.mocked(contents.writeText).mockImplementation((path, text) => {
    files.set(path, text);
    return Promise.resolve(text);
  });
  vi.mocked(session.search).mockImplementation(async function* (_query, texts) {
    await Promise.resolve();
    const found = new Map([...files, ...texts.map(({ path, text }) => [path, text] as const)]);
    const told = [...found]
      .filter(([, text]) => text.startsWith('old'))
      .map(([path, version]) => ({
        path,
        version,
        why: null,
        matches: [{ line: 1, column: 0, length: 3, text: 'old', start: 0, end: 3 }],
      }));
    const counts = { matches: told.length, in_files: told.length, more: false, too_long: 0, text: '' };
    yield { type: 'found', files: told, ...counts };
    yield { type: 'done', files: [], ...counts };
  });
  vi.mocked(session.edits).mockImplementation((_query, replacement, { texts = [] }) =>
    Promise.resolve(
      texts.map(({ path }) => ({
        path,
        why: null,
        edits: [{ line: 1, column: 0, length: 3, new: replacement }],
      })),
    ),
  );
  documents = new Documents(new Drafts(crypto.randomUUID()));
  search = new Search(documents, new Map());
  [search.pattern, search.replacement] = ['old', 'new'];
});

const EDIT = { line: 1, column: 0, length: 3, new: 'new' };
/** The last line of a replacement of one match. */
const line = (id: string | null): session.Replaced => ({
  type: 'done',
  id,
  files: 1,
  matches: 1,
  passed: [],
  text: '',
});
const opened = (): Promise<Document> => documents.get('a.R');

describe('a replacement', () => {
  it('in a notebook is in its file, which its text is not, and waits until it is saved', async () => {
    files.set('a.ipynb', 'old\n');
    vi.mocked(notebooks.read).mockImplementation((path) =>
      Promise.resolve({
        ...{ path, name: path, text: 'text', hash: files.get(path) ?? '', writable: true },
        notebook: { language: 'r', kernel: 'ir', modified: '2026-01-01T10:00:00Z', outputs: {} },
      }),
    );
    vi.mocked(session.replace).mockImplementation(async function* () {
      await Promise.resolve();
      yield line('id');
    });
    const document = await documents.get('a.ipynb');
    document.edit('more text');
    await search.run();
    const found = search.found.filter(({ path }) => path === 'a.ipynb');
    expect((await search.replace(found))?.passed).toEqual([
      { path: 'a.ipynb', why: 'It is open and not saved. Save it, and replace again.' },
    ]);
    document.edit('text');
    await search.run();
    expect((await search.replace(search.found.filter(({ path }) => path === 'a.ipynb')))?.files).toBe(1);
    expect(document.text).toBe('text');
  });

  it('saves what an editor has open and nobody has typed into, and no conflict is seen', async () => {
    const document = await opened();
    await search.run();
    expect(await search.replace(search.found)).toEqual({ files: 1, matches: 1, passed: [] });
    expect([files.get('a.R'), document.text, document.dirty, document.problem]).toEqual([
      'new\n',
      'new\n',
      false,
      null,
    ]);
    expect(await search.undo()).toEqual({ files: 1, matches: 1, passed: [] });
    expect([files.get('a.R'), document.text, document.problem]).toEqual(['old\n', 'old\n', null]);
  });

  it('leaves what is not saved unsaved', async () => {
    const document = await opened();
    document.edit('old and typed\n');
    await search.run();
    await search.replace(search.found);
    expect([files.get('a.R'), document.text, document.dirty]).toEqual(['old\n', 'new and typed\n', true]);
    await search.undo();
    expect([files.get('a.R'), document.text]).toEqual(['old\n', 'old and typed\n']);
  });

  it('passes over what was typed into since the search', async () => {
    const document = await opened();
    await search.run();
    document.edit('old and typed\n');
    const done = await search.replace(search.found);
    expect(done?.passed.map(({ path }) => path)).toEqual(['a.R']);
    expect([files.get('a.R'), document.text]).toEqual(['old\n', 'old and typed\n']);
  });

  it('is not undone where somebody has typed since', async () => {
    const document = await opened();
    await search.run();
    await search.replace(search.found);
    document.edit('mine\n');
    const done = await search.undo();
    expect(done?.passed.map(({ path }) => path)).toEqual(['a.R']);
    expect(document.text).toBe('mine\n');
  });

  it('is undone in what was closed since', async () => {
    await opened();
    await search.run();
    await search.replace(search.found);
    await documents.close('a.R');
    expect((await search.undo())?.files).toBe(1);
    expect(files.get('a.R')).toBe('old\n');
  });

  it.each([
    ['is cut off', new TypeError('network error'), 'network error'],
    ['stops it', new DOMException('', 'AbortError'), null],
  ])('can be undone by who %s before anything is told', async (_who, error, problem) => {
    let asked = '';
    // eslint-disable-next-line require-yield -- nothing is told
    vi.mocked(session.replace).mockImplementation(async function* (id) {
      await Promise.resolve();
      asked = id;
      files.set('a.R', 'new\n');
      throw error;
    });
    await search.run();
    await search.replace(search.found);
    expect(asked).not.toBe('');
    expect([search.undoable, search.problem]).toEqual([{ id: asked, documents: [] }, problem]);
  });

  it('leaves the documents alone that it had not come to when it was stopped', async () => {
    files.set('b.R', 'old\n');
    const both = [await opened(), await documents.get('b.R')];
    await search.run();
    vi.mocked(session.edits).mockImplementationOnce(() => {
      search.stop();
      return Promise.resolve([{ path: 'a.R', why: null, edits: [EDIT] }]);
    });
    expect(await search.replace(search.found)).toEqual({ files: 1, matches: 1, passed: [] });
    expect(both.map(({ text }) => text)).toEqual(['new\n', 'old\n']);
  });

  it('is undone another time where what was in the way may pass', async () => {
    vi.mocked(session.replace).mockImplementation(async function* (id) {
      await Promise.resolve();
      yield line(id);
    });
    await search.run();
    await search.replace(search.found);
    const id = search.undoable?.id ?? '';
    vi.mocked(session.undo).mockImplementationOnce(async function* () {
      await Promise.resolve();
      yield { ...line(id), files: 0, passed: [{ path: 'a.R', why: 'No space left.' }] };
    });
    await search.undo();
    expect(search.undoable).toEqual({ id, documents: [] });
    vi.mocked(session.undo).mockImplementationOnce(async function* () {
      await Promise.resolve();
      yield { ...line(null), type: 'failed', text: 'There is nothing to undo.' };
    });
    await search.undo();
    expect([search.undoable, search.problem]).toEqual([null, 'There is nothing to undo.']);
  });

  it('of what was closed since is undone another time when the session can’t write it', async () => {
    await opened();
    await search.run();
    await search.replace(search.found);
    await documents.close('a.R');
    vi.mocked(contents.writeText).mockRejectedValueOnce(new Error('No space left.'));
    expect((await search.undo())?.passed).toEqual([{ path: 'a.R', why: 'No space left.' }]);
    expect((await search.undo())?.files).toBe(1);
    expect([files.get('a.R'), search.undoable]).toEqual(['old\n', null]);
  });

  it.each([
    ['old\r\nb\r\n', true],
    ['old\nb\n', true],
    ['old\r\nb\n', false],
    ['old\n\r\n', false],
    ['old\n\nb\r\n', false],
    ['old\rb\n', false],
  ])('keeps line ends of more than one kind: %j is changed in its editor: %s', async (text, inEditor) => {
    files.set('a.R', text);
    vi.mocked(session.replace).mockImplementation(async function* (id) {
      await Promise.resolve();
      files.set('a.R', text.replace('old', 'new'));
      yield line(id);
    });
    const document = await opened();
    await search.run();
    await search.replace(search.found);
    expect(files.get('a.R')).toBe(text.replace('old', 'new'));
    expect(document.text).toBe(text.replace('old', 'new').replaceAll('\r\n', '\n'));
    expect(vi.mocked(session.replace).mock.calls.length).toBe(inEditor ? 0 : 1);
  });
});

describe('what is left out of the list', () => {
  const match = (column: number): session.Match => ({
    line: 1,
    column,
    length: 3,
    text: 'old',
    start: 0,
    end: 3,
  });
  const file = (path: string, ...columns: number[]): session.File => ({
    path,
    version: 'v',
    why: null,
    matches: columns.map(match),
  });
  const counts = { in_files: 0, more: false, too_long: 0, text: '' };
  const answers = (told: session.File[], meanwhile: () => void = () => undefined): void => {
    const matches = told.flatMap((one) => one.matches).length;
    vi.mocked(session.search).mockImplementation(async function* () {
      await Promise.resolve();
      for (const one of told) yield { type: 'found', files: [one], matches, ...counts };
      meanwhile();
      yield { type: 'done', files: [], matches, ...counts };
    });
  };
  const places = (): string[] =>
    search.found.flatMap(({ path, matches }) => matches.map(({ column }) => `${path}:${column}`));
  const leave = (path: string, column: number | null): void => {
    const found = search.found.find((one) => one.path === path);
    if (!found) throw new Error(path);
    search.leaveOut(found, found.matches.find((one) => one.column === column) ?? null);
  };

  it('stays out while the search goes on', async () => {
    answers([file('a.R', 0), file('b.R', 0, 8)], () => {
      leave('a.R', null);
      leave('b.R', 0);
    });
    await search.run();
    expect([places(), search.matches, search.found[0]?.partial]).toEqual([['b.R:8'], 1, true]);
    answers([file('a.R', 0), file('b.R', 0, 8)]);
    await search.run(); // anew
    expect([places(), search.matches]).toEqual([['a.R:0', 'b.R:0', 'b.R:8'], 3]);
  });

  it('stays out when something else is replaced, also where it is in another column then', async () => {
    answers([file('a.R', 0), file('b.R', 0, 8, 16), file('c.R', 0, 8)]);
    await search.run();
    leave('a.R', null);
    leave('b.R', 8);
    leave('c.R', 0);
    vi.mocked(session.replace).mockImplementation(async function* (id) {
      await Promise.resolve();
      yield line(id);
    });
    const [, c] = search.found;
    if (!c) throw new Error('c.R');
    answers([file('a.R', 0), file('b.R', 0, 8, 16), file('c.R', 0)]);
    await search.replace([c], c.matches[0]);
    expect([places(), search.matches]).toEqual([['b.R:0', 'b.R:16'], 2]);
    const [b] = search.found;
    if (!b) throw new Error('b.R');
    answers([file('a.R', 0), file('b.R', 12, 20), file('c.R', 0)]);
    await search.replace([b], b.matches[0]);
    expect([places(), search.matches]).toEqual([[], 0]);
  });
});
