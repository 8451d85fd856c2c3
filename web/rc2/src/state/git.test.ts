import { describe, expect, it, vi } from 'vitest';
import type { Status } from '../session/git.ts';
import { markOf, marksOf } from './git.svelte.ts';

vi.mock('../session/base.ts', () => ({ base: new URL('http://localhost/s/test/') }));

const status = (repository: string, files: Status['files']): Status => ({
  repository,
  head: null,
  branch: 'main',
  upstream: null,
  ahead: 0,
  behind: 0,
  files,
  more: 0,
  under_way: null,
  remotes: [],
  name: '',
  email: '',
  undoable: false,
});
const file = (path: string, more: Partial<Status['files'][number]>): Status['files'][number] => ({
  path,
  original: null,
  staged: null,
  unstaged: null,
  conflict: false,
  ...more,
});

describe('the marks of files', () => {
  it('stand at files and at the folders above them, by their paths in the home', () => {
    const marks = marksOf(status('work/course', [file('a/b.R', { unstaged: 'modified' })]));
    expect([...marks.entries()].map(([path, { letter }]) => [path, letter])).toEqual([
      ['work/course/a/b.R', 'M'],
      ['work/course/a', '•'],
      ['work/course', '•'],
      ['work', '•'],
    ]);
  });
  it('are at the top of the home where that is the repository', () => {
    const marks = marksOf(status('', [file('new.R', { unstaged: 'untracked' })]));
    expect([...marks.keys()]).toEqual(['new.R']);
  });
  it('say a conflict before anything else, and what is on the disk before what is staged', () => {
    const marks = marksOf(
      status('', [file('a', { conflict: true }), file('b', { staged: 'added', unstaged: 'deleted' })]),
    );
    expect([marks.get('a')?.word, marks.get('b')?.word]).toEqual(['in conflict', 'deleted']);
  });
  it('are none without a repository', () => expect(marksOf(null).size).toBe(0));
});

it('a change that is not known is a change', () => expect(markOf('other').word).toBe('changed'));
