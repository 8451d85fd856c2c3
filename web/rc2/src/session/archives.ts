/** ZIP archives: files and folders go out as one, and one that came in becomes a folder. */

import type { components } from '../protocol/types.ts';
import { RequestFailed, address, requestJson } from './base.ts';
import { lines } from './lines.ts';

type Schemas = components['schemas'];
export type Plan = Schemas['ArchivePlan'];

/**
 * Return what an archive of files and folders would be.
 *
 * Throws RequestFailed, with a sentence, when there can be none.
 */
export const plan = (paths: string[]): Promise<Plan> =>
  requestJson<Plan>('rc2/api/archive', {
    method: 'POST',
    body: JSON.stringify({ paths }),
    headers: { 'Content-Type': 'application/json' },
  });

const LONGEST_ADDRESS = 8000; // characters that everything on the way takes

/**
 * Have the browser download files and folders as one archive.
 *
 * Throws RequestFailed, with a sentence, when they are too many for an address.
 */
export function download(paths: string[], name: string): void {
  const url = address('rc2/api/archive');
  for (const path of paths) url.searchParams.append('path', path);
  if (url.href.length > LONGEST_ADDRESS)
    throw new RequestFailed('These are too many at once. Download the folder that they are in, or fewer.', 0);
  const link = document.createElement('a');
  link.href = url.href;
  link.download = name;
  link.click();
}

/**
 * Unpack an archive, and return the folder that is new, and how many files it has; `progress` hears of the share that is done.
 *
 * Throws RequestFailed, with a sentence, when nothing was unpacked.
 */
export async function unpack(
  path: string,
  progress: (share: number) => void,
  signal: AbortSignal,
): Promise<{ folder: string; files: number }> {
  for await (const told of lines<Schemas['Unpacked']>('rc2/api/archive/unpack', { path }, signal)) {
    if (told.type === 'failed') throw new RequestFailed(told.text, 422);
    if (told.type === 'done') return { folder: told.folder, files: told.files };
    progress(told.all_bytes ? told.bytes / told.all_bytes : 0);
  }
  throw new RequestFailed('The connection broke off. Nothing was unpacked, unless a new folder is there.', 0);
}
