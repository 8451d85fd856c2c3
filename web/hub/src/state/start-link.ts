/** What a link to `/hub/start` says. Pure; the hub checks it once more. */
import type { NewLink } from './api-types.ts';
import type { Choices } from './start-options.ts';

const NAMES = {
  environment: 'environment',
  source: 'from',
  branch: 'branch',
  folder: 'folder',
  document: 'open',
} as const;

/** A link, with what it chooses of the environment's options. */
export type StartLink = NewLink & { options: Choices };

/** Return what a link starts, brings and opens; null where it lacks the environment or the source. */
export function readLink(query: URLSearchParams): StartLink | null {
  const value = (name: keyof typeof NAMES): string | null => query.get(NAMES[name])?.trim() || null;
  const environment = value('environment');
  const source = value('source');
  if (environment === null || source === null) return null;
  return {
    environment,
    source,
    branch: value('branch'),
    folder: value('folder'),
    document: value('document'),
    options: Object.fromEntries(
      query.getAll('option').flatMap((said): [string, string][] => {
        const at = said.indexOf('=');
        return at > 0 ? [[said.slice(0, at), said.slice(at + 1)]] : [];
      }),
    ),
  };
}

/** Return the source as a person says it: the address without the protocol, or which template. */
export function sourceText(source: string): string {
  return source.includes('://')
    ? source.replace(/^https?:\/\//, '').replace(/\.git$/, '')
    : `the template ${source}`;
}

/** Return the last part of a path. */
export function fileName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}
