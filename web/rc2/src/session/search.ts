/** Search and replace in the files of the home. */

import type { components } from '../protocol/types.ts';
import { requestJson } from './base.ts';
import { lines } from './lines.ts';

type Schemas = components['schemas'];
export type Query = Omit<Schemas['SearchRequest'], 'texts'>;
export type Text = Schemas['SearchText'];
export type Found = Schemas['SearchFound'];
export type File = Schemas['SearchFile'];
export type Match = Schemas['SearchMatch'];
export type Position = Schemas['SearchPosition'];
export type Target = Schemas['ReplaceTarget'];
export type Edit = Schemas['SearchEdit'];
export type EditsOf = Schemas['SearchEditsOf'];
export type Replaced = Schemas['Replaced'];

/** Search; the last line has another type than `found`. */
export const search = (query: Query, texts: Text[], signal: AbortSignal): AsyncGenerator<Found> =>
  lines('rc2/api/search', { ...query, texts }, signal);

/** Return what a replacement would make of files, and of texts that editors have. */
export const edits = async (
  query: Query,
  replacement: string,
  what: { targets?: Target[]; texts?: Text[] },
): Promise<EditsOf[]> =>
  (
    await requestJson<Schemas['SearchEdits']>('rc2/api/search/edits', {
      method: 'POST',
      body: JSON.stringify({ ...query, replacement, ...what }),
      headers: { 'Content-Type': 'application/json' },
    })
  ).files;

/** Replace in files, under an id that undoes it; the last line has another type than `progress`. */
export const replace = (
  id: string,
  query: Query,
  replacement: string,
  targets: Target[],
  signal: AbortSignal,
): AsyncGenerator<Replaced> =>
  lines('rc2/api/search/replace', { ...query, id, replacement, targets }, signal);

export const undo = (id: string, signal: AbortSignal): AsyncGenerator<Replaced> =>
  lines('rc2/api/search/undo', { id }, signal);
