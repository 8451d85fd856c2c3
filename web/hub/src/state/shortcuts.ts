/** Keys that do something wherever one is. They can be turned off, and never act while somebody writes. */

export type Command =
  'help' | 'home' | 'sessions' | 'people' | 'environments' | 'audit' | 'search' | 'open' | 'log';

export const KEYS: { keys: string; command: Command; text: string; admin?: boolean }[] = [
  { keys: '?', command: 'help', text: 'Show this help' },
  { keys: 'g h', command: 'home', text: 'Go to your sessions' },
  { keys: 'o', command: 'open', text: 'Open the session shown' },
  { keys: 'l', command: 'log', text: 'Show or hide its log' },
  { keys: '/', command: 'search', text: 'Search in a table' },
  { keys: 'g s', command: 'sessions', text: 'Go to all sessions', admin: true },
  { keys: 'g p', command: 'people', text: 'Go to people', admin: true },
  { keys: 'g e', command: 'environments', text: 'Go to environments', admin: true },
  { keys: 'g a', command: 'audit', text: 'Go to the audit', admin: true },
];

const TOGETHER = 1000; // ms between two keys that belong together

export interface Press {
  key: string;
  modified: boolean;
  /** In a field, a menu or a dialog: the key is theirs. */
  elsewhere: boolean;
  at: number;
}

export class Shortcuts {
  #first: { key: string; at: number } | null = null;

  press(press: Press): Command | null {
    const first = this.#first;
    this.#first = null;
    if (press.modified || press.elsewhere) return null;
    const both = first && press.at - first.at <= TOGETHER ? `${first.key} ${press.key}` : null;
    const found = KEYS.find(({ keys }) => keys === both) ?? KEYS.find(({ keys }) => keys === press.key);
    if (!found && KEYS.some(({ keys }) => keys.startsWith(`${press.key} `)))
      this.#first = { key: press.key, at: press.at };
    return found?.command ?? null;
  }
}
