/** Jupyter notebooks of the home, by the Rc² server: their text, and what they have beside it. Paths are relative to the home. */

import type { NotebookSaved, StoredNotebook } from '../protocol/messages.ts';
import { RequestFailed, requestJson } from './base.ts';
import * as contents from './contents.ts';

/** A notebook as the session has it. */
export interface NotebookFile extends contents.TextFile {
  notebook: Pick<StoredNotebook, 'language' | 'kernel' | 'modified' | 'outputs'>;
}

/**
 * Return a notebook.
 *
 * Throws RequestFailed with status 422 for what is no notebook.
 */
export async function read(path: string): Promise<NotebookFile> {
  const { text, hash, writable, ...notebook } = await requestJson<StoredNotebook>(
    `rc2/api/notebook?path=${encodeURIComponent(path)}`,
  );
  return { path, name: path.split('/').at(-1) ?? path, text, hash, writable, notebook };
}

/** What is written. `outputs` says which execution's output is now that of a cell; with null it has none. */
export interface Writing {
  text: string;
  read: string | null;
  language: string;
  outputs: Record<string, string | null>;
}

/**
 * Write a notebook, and return its new version.
 *
 * Throws VersionConflict when the file is no more of the version that was read; its text may be the same.
 */
export async function write(path: string, writing: Writing): Promise<NotebookSaved> {
  try {
    return await requestJson<NotebookSaved>('rc2/api/notebook', {
      method: 'PUT',
      body: JSON.stringify({ path, ...writing }),
      headers: { 'Content-Type': 'application/json' },
    });
  } catch (problem) {
    if (!(problem instanceof RequestFailed && problem.status === 409)) throw problem;
    throw new contents.VersionConflict(await read(path));
  }
}

/** Make an empty notebook in a folder, and return its path. */
export async function create(
  folder: string,
  kernelspec: { name: string; title: string; language: string },
): Promise<string> {
  const { path } = await contents.create(folder, 'file', '.ipynb');
  const { name, title, language } = kernelspec;
  const content = {
    cells: [],
    metadata: { kernelspec: { display_name: title, language, name }, language_info: { name: language } },
    nbformat: 4,
    nbformat_minor: 5,
  };
  await contents.writeText(path, `${JSON.stringify(content, null, 1)}\n`, await contents.version(path));
  return path;
}
