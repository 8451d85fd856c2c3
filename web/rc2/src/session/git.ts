/** Git in the session; `repository` is a folder of the home. */

import type { components } from '../protocol/types.ts';
import { requestJson } from './base.ts';
import { lines } from './lines.ts';

type Schemas = components['schemas'];
export type Status = Schemas['GitStatus'];
export type File = Schemas['GitFile'];
export type Texts = Schemas['GitTexts'];
export type Text = Schemas['GitText'];
export type Branch = Schemas['GitBranch'];
export type Commit = Schemas['GitCommit'];
export type History = Schemas['GitHistory'];
export type Shown = Schemas['GitShown'];
export type Change = Schemas['GitChange'];
export type Progress = Schemas['GitProgress'];
export type Side = Schemas['GitTextsRequest']['side'];

/** What is done to a repository, with what it needs besides. */
interface Changes {
  init: object;
  stage: { paths: string[] } | { all: true };
  unstage: { paths: string[] } | { all: true };
  discard: { paths: string[] };
  'stage-text': { path: string; text: string; index: string | null };
  commit: { message: string };
  identity: { name: string; email: string };
  remote: { name?: string; address: string };
  switch: { name: string; remote?: string | null; make?: boolean };
  resolve: { path: string; take: 'ours' | 'theirs' | 'text'; text?: string };
  abort: object;
  continue: object;
}
export type Action = keyof Changes;

const post = <T>(what: string, repository: string, fields: object): Promise<T> =>
  requestJson<T>(`rc2/api/git/${what}`, {
    method: 'POST',
    body: JSON.stringify({ repository, ...fields }),
    headers: { 'Content-Type': 'application/json' },
  });

export const repositories = async (): Promise<string[]> =>
  (await requestJson<Schemas['GitRepositories']>('rc2/api/git/repositories')).repositories;

export const status = (repository: string): Promise<Status> => post('status', repository, {});
export const change = <What extends Action>(
  repository: string,
  what: What,
  fields: Changes[What],
): Promise<Status> => post(what, repository, fields);
export const undo = (repository: string, head: string): Promise<Schemas['GitUndone']> =>
  post('undo', repository, { head });

export interface Compared {
  path: string;
  original?: string | null;
  side: Side;
  oid?: string | null;
}
export const texts = (repository: string, compared: Compared): Promise<Texts> =>
  post('texts', repository, compared);
export const branches = (repository: string): Promise<Schemas['GitBranches']> =>
  post('branches', repository, {});
export const history = (repository: string, head: string | null, skip: number): Promise<History> =>
  post('history', repository, { head, skip });
export const show = (repository: string, oid: string): Promise<Shown> => post('show', repository, { oid });

export interface Credentials {
  place: string;
  username: string;
  password: string;
}
/** Fetch, pull or push; the last line has another type than `progress`. */
export const transfer = (
  repository: string,
  action: 'fetch' | 'pull' | 'push',
  credentials: Credentials | null,
  signal: AbortSignal,
): AsyncGenerator<Progress> => lines('rc2/api/git/transfer', { repository, action, ...credentials }, signal);
