import 'fake-indexeddb/auto';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import * as contents from '../session/contents.ts';
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

const opened = (): Promise<Document> => documents.get('a.R');

describe('a replacement', () => {
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
});
