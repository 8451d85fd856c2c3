/** Files on their way to the hub, one after another: what goes, how far it is, and what was not taken. */
import { errorMessage, Problem, problemOf } from './api.ts';
import { bytes, list } from './format.ts';

/** A file that somebody chose, and what it is to be called. */
export interface Chosen {
  path: string;
  file: File;
}

/** What was not taken, with one sentence for all to which it applies. */
export interface Refused {
  paths: string[];
  why: string;
}

export interface Progress {
  path: string;
  /** The number of the file that goes, from 1, of so many. */
  number: number;
  of: number;
  /** How much has gone, between 0 and 1. */
  part: number;
}

/** Send one file, and tell how many bytes of it have gone. */
export type Send = (chosen: Chosen, onbytes: (sent: number) => void, signal: AbortSignal) => Promise<void>;

const SHOWN = 3; // names that a sentence has

const STALLED = 120_000; // ms without progress, or without an answer, after which nothing comes any more

/** After these answers the next file would get the same: no access, or the hub is away or has enough and does not say until when. */
const ENDS = new Set([0, 401, 403, 404, 429]);

/** Return what has the same word together, in the order in which it comes. */
export function together<T>(all: readonly T[], word: (each: T) => string): Map<string, T[]> {
  const found = new Map<string, T[]>();
  for (const each of all) {
    const there = found.get(word(each));
    if (there) there.push(each);
    else found.set(word(each), [each]);
  }
  return found;
}

/** Return the files of a field, of a folder with their paths in it. */
export function filesOf(files: Iterable<File>): Chosen[] {
  return [...files].map((file) => ({ path: file.webkitRelativePath || file.name, file }));
}

/** Return what is dropped somewhere, of folders all files with their paths in it. */
export async function dropped(items: Iterable<DataTransferItem>): Promise<Chosen[]> {
  // All are asked before anything is waited for: then the browser has forgotten them.
  const entries = [...items].map((item) => item.webkitGetAsEntry());
  return (await Promise.all(entries.map((entry) => filesBelow(entry)))).flat();
}

async function filesBelow(entry: FileSystemEntry | null): Promise<Chosen[]> {
  if (!entry) return []; // text, or a picture of a page
  if (isFile(entry)) {
    const file = await new Promise<File>((resolve, reject) => entry.file(resolve, reject));
    return [{ path: entry.fullPath.slice(1), file }];
  }
  const reader = (entry as FileSystemDirectoryEntry).createReader();
  const found: Chosen[] = [];
  for (;;) {
    const some = await new Promise<FileSystemEntry[]>((resolve, reject) =>
      reader.readEntries(resolve, reject),
    );
    if (some.length === 0) return found; // it gives a hundred at a time
    found.push(...(await Promise.all(some.map(filesBelow))).flat());
  }
}

/** Return files for a folder below which they are to lie; and how many hidden ones in folders are left out. */
export function visibleFiles(all: readonly Chosen[], below = ''): { chosen: Chosen[]; hidden: number } {
  const begin = below.split('/').filter(Boolean).join('/');
  const chosen = all.filter(({ path }) => !path.includes('/') || !path.split('/').some(isHidden));
  return {
    chosen: chosen.map(({ path, file }) => ({ path: begin ? `${begin}/${path}` : path, file })),
    hidden: all.length - chosen.length,
  };
}

/**
 * Send files of up to `most` bytes each, and return what was not taken. What was taken stays. Where the hub has enough for
 * now, the same file goes again when the hub says.
 */
export async function sendAll(
  files: readonly Chosen[],
  send: Send,
  { most, signal, onprogress }: { most: number; signal: AbortSignal; onprogress: (at: Progress) => void },
): Promise<Refused[]> {
  const refused = new Map<string, string[]>();
  const all = files.reduce((sum, { file }) => sum + file.size, 0) || 1;
  let gone = 0;
  let end = '';
  for (const [at, chosen] of files.entries()) {
    const { path, file } = chosen;
    const tell = (sent: number): void =>
      onprogress({ path, number: at + 1, of: files.length, part: (gone + sent) / all });
    let why = end || tooLarge(file, most);
    let again = !why;
    while (again) {
      again = false;
      tell(0);
      try {
        await send(chosen, tell, signal);
      } catch (error) {
        const wait = error instanceof Problem && error.status === 429 ? error.retryAfter : null;
        if (wait !== null) await pause(wait, signal);
        again = wait !== null && !signal.aborted;
        if (again) continue;
        why = signal.aborted ? 'You stopped it. What was sent before is there.' : errorMessage(error);
        if (signal.aborted || !(error instanceof Problem) || ENDS.has(error.status)) end = why;
      }
    }
    if (why) refused.set(why, [...(refused.get(why) ?? []), path]);
    gone += file.size;
  }
  return [...refused].map(([why, paths]) => ({ why, paths }));
}

/**
 * Return by which name a file counts for an assignment: its own where the hub takes it for that, else its own after the
 * assignment's.
 */
export function nameFor(assignment: string, file: string, assignments: readonly { name: string }[]): string {
  const names = new Set(assignments.map(({ name }) => name.toLowerCase()));
  let name = file.toLowerCase();
  while (!names.has(name) && name.includes('.')) name = name.slice(0, name.lastIndexOf('.')).trimEnd();
  return name === assignment.toLowerCase() ? file : `${assignment}.${file}`;
}

/** Return why a file is not sent at all; nothing where it may be. */
export function tooLarge(file: File, most: number): string {
  return file.size > most
    ? `A file of a course has up to ${limit(most)}. Leave out what can be computed again.`
    : '';
}

/** Return the names of what was not taken, of many the first ones. */
export function namesOf(paths: readonly string[]): string {
  const more = paths.length - SHOWN;
  return more > 1 ? `${paths.slice(0, SHOWN).join(', ')} and ${more} more` : list(paths);
}

/** Send a file as the body of a call, and return its answer. `fetch` would not tell how much has gone. */
export function sendFile<T>(
  method: 'PUT' | 'POST',
  address: string,
  body: Blob,
  { onbytes, signal }: { onbytes?: (sent: number) => void; signal?: AbortSignal } = {},
): Promise<T> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    let stalled: ReturnType<typeof setTimeout> | undefined;
    const goesOn = (): void => {
      clearTimeout(stalled);
      stalled = setTimeout(() => request.abort(), STALLED);
    };
    const fail = (): void =>
      reject(new Problem('It did not reach RSparkHub. Send it again in a moment.', 0, 'unreachable'));
    if (signal?.aborted) {
      fail(); // `abort` would do nothing before `send`
      return;
    }
    request.open(method, address);
    request.setRequestHeader('Content-Type', 'application/octet-stream');
    request.upload.addEventListener('progress', ({ loaded }) => {
      goesOn();
      onbytes?.(loaded);
    });
    request.addEventListener('loadend', () => clearTimeout(stalled));
    request.addEventListener('load', () => void answerOf<T>(request).then(resolve, reject));
    for (const end of ['error', 'abort']) request.addEventListener(end, fail);
    signal?.addEventListener('abort', () => request.abort(), { once: true });
    goesOn();
    request.send(body);
  });
}

/** Wait so many seconds, or until somebody stops it. */
function pause(seconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, seconds * 1000);
    signal.addEventListener('abort', () => {
      clearTimeout(timer);
      resolve();
    });
  });
}

async function answerOf<T>(request: XMLHttpRequest): Promise<T> {
  const answer = new Response(request.responseText, {
    status: request.status,
    headers: { 'Retry-After': request.getResponseHeader('Retry-After') ?? '' },
  });
  if (!answer.ok) throw await problemOf(answer);
  try {
    return (await answer.json()) as T;
  } catch {
    // Something between here and the hub answered in its place, as a page to sign in does.
    const unreadable = 'RSparkHub’s answer can’t be read. Reload the page.';
    throw new Problem(unreadable, 0, 'unreadable');
  }
}

/** A limit in the unit in which the hub sets it and says it. */
function limit(most: number): string {
  return most >= 2 ** 20 ? `${Math.floor(most / 2 ** 20)} MiB` : bytes(most);
}

function isFile(entry: FileSystemEntry): entry is FileSystemFileEntry {
  return entry.isFile;
}

function isHidden(name: string): boolean {
  return name.startsWith('.');
}
