/** Files of the home, by Jupyter's contents API. Paths are relative to the home, without a slash in front. */

import { RequestFailed, type Init, encoded, request, requestJson } from './base.ts';

export interface Entry {
  name: string;
  path: string;
  type: 'directory' | 'file' | 'notebook';
  size: number | null;
  /** ISO 8601. */
  last_modified: string;
  writable: boolean;
}

/** A text file as the session has it. `hash` names this version. */
export interface TextFile {
  path: string;
  name: string;
  text: string;
  hash: string;
  writable: boolean;
}

interface Model extends Entry {
  content: unknown;
  format: 'text' | 'base64' | 'json' | null;
  hash?: string | null;
}

/** The file has changed in the session since it was read. */
export class VersionConflict extends Error {
  constructor(readonly theirs: TextFile) {
    super('The file has changed in the session since you opened it.');
  }
}

const at = (path: string, query = ''): string => `api/contents/${encoded(path)}${query}`;
const body = (model: object): Init => ({
  body: JSON.stringify(model),
  headers: { 'Content-Type': 'application/json' },
});

/** Return whether there is a folder at a path. */
export async function isFolder(path: string): Promise<boolean> {
  try {
    return (await requestJson<Model>(at(path, '?content=0'))).type === 'directory';
  } catch {
    return false;
  }
}

/** Return what is in a folder: folders first, then by name as people sort them. */
export async function list(folder: string): Promise<Entry[]> {
  const model = await requestJson<Model>(at(folder, '?type=directory'));
  const order = new Intl.Collator(undefined, { numeric: true, sensitivity: 'base' });
  return (model.content as Entry[])
    .map(({ name, path, type, size, last_modified, writable }) => ({
      name,
      path,
      type,
      size,
      last_modified,
      writable,
    }))
    .sort(
      (one, other) =>
        Number(other.type === 'directory') - Number(one.type === 'directory') ||
        order.compare(one.name, other.name),
    );
}

const LARGEST = 32 * 2 ** 20; // bytes of a file that is read into an editor

/**
 * Return a text file.
 *
 * Throws RequestFailed with status 400 for what isn't text, and 413 for what is too large for an editor.
 */
export async function readText(path: string): Promise<TextFile> {
  const { name, size } = await requestJson<Model>(at(path, '?type=file&content=0'));
  if (size !== null && size > LARGEST)
    throw new RequestFailed(
      `${name} is too large to edit here: more than ${LARGEST / 2 ** 20} MiB. Read it by code, or in a terminal.`,
      413,
    );
  const model = await requestJson<Model>(at(path, '?type=file&format=text&hash=1')).catch(
    (problem: unknown) => {
      if (problem instanceof RequestFailed && problem.status === 400) return null;
      throw problem;
    },
  );
  if (typeof model?.content !== 'string')
    throw new RequestFailed(
      `${name} is not UTF-8 text, so it can’t be edited here. It is left as it is.`,
      400,
    );
  return {
    path,
    name: model.name,
    text: model.content,
    hash: model.hash ?? '',
    writable: model.writable,
  };
}

/** Return the version that a file has now, or null where there is no file. */
export async function version(path: string): Promise<string | null> {
  try {
    return (await requestJson<Model>(at(path, '?type=file&content=0&hash=1'))).hash ?? '';
  } catch (problem) {
    if (problem instanceof RequestFailed && problem.status === 404) return null;
    throw problem;
  }
}

/**
 * Write a text file, and return its new version.
 *
 * Throws VersionConflict when the file is no more of the version that was read; null for one that must not exist yet.
 */
export async function writeText(path: string, text: string, read: string | null): Promise<string> {
  const now = await version(path);
  if (now !== null && now !== read) {
    const theirs = await readText(path);
    if (theirs.text !== text) throw new VersionConflict(theirs);
    return theirs.hash;
  }
  await request(at(path), { method: 'PUT', ...body({ type: 'file', format: 'text', content: text }) });
  return (await version(path)) ?? '';
}

/** Make a new file or folder in a folder, under a name that is free, and return it. */
export async function create(folder: string, type: 'directory' | 'file', extension = ''): Promise<Entry> {
  return requestJson<Entry>(at(folder), { method: 'POST', ...body({ type, ext: extension }) });
}

export async function rename(path: string, to: string): Promise<Entry> {
  return requestJson<Entry>(at(path), { method: 'PATCH', ...body({ path: to }) });
}

export async function duplicate(path: string): Promise<Entry> {
  const folder = path.split('/').slice(0, -1).join('/');
  return requestJson<Entry>(at(folder), { method: 'POST', ...body({ copy_from: path }) });
}

export async function remove(path: string): Promise<void> {
  await request(at(path), { method: 'DELETE' });
}

const CHUNK = 4 * 2 ** 20; // bytes

/** Write a file in pieces, so that none is too large for a request; `progress` hears of the share that is done. */
export async function upload(
  folder: string,
  file: File,
  progress: (share: number) => void,
  signal?: AbortSignal,
): Promise<string> {
  const path = folder ? `${folder}/${file.name}` : file.name;
  const pieces = Math.max(1, Math.ceil(file.size / CHUNK));
  for (let piece = 0; piece < pieces; piece += 1) {
    const content = await base64(file.slice(piece * CHUNK, (piece + 1) * CHUNK));
    const chunk = pieces === 1 ? {} : { chunk: piece === pieces - 1 ? -1 : piece + 1 };
    await request(at(path), {
      method: 'PUT',
      ...body({ type: 'file', format: 'base64', name: file.name, path, content, ...chunk }),
      ...(signal ? { signal } : {}),
    });
    progress((piece + 1) / pieces);
  }
  return path;
}

async function base64(blob: Blob): Promise<string> {
  const bytes = new Uint8Array(await blob.arrayBuffer());
  let text = '';
  for (let from = 0; from < bytes.length; from += 0x8000)
    text += String.fromCharCode(...bytes.subarray(from, from + 0x8000));
  return btoa(text);
}

/** Return the address at which a file can be downloaded or shown. */
export const fileAddress = (path: string, download = false): string =>
  `files/${encoded(path)}${download ? '?download=1' : ''}`;
