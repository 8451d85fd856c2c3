/** Light, dark, or what the system says. `public/theme.js` reads the same key before the first paint. */
import { writable } from 'svelte/store';

export type Theme = 'system' | 'light' | 'dark';
export const THEMES: { value: Theme; text: string }[] = [
  { value: 'system', text: 'System' },
  { value: 'light', text: 'Light' },
  { value: 'dark', text: 'Dark' },
];

const KEY = 'rsparkhub.theme';

function read(): Theme {
  const kept = keep.get(KEY);
  return kept === 'light' || kept === 'dark' ? kept : 'system';
}

/** Storage that may be turned off: then a choice lasts as long as the page. */
export const keep = {
  get(key: string): string | null {
    try {
      return localStorage.getItem(key);
    } catch {
      return null;
    }
  },
  set(key: string, value: string): void {
    try {
      localStorage.setItem(key, value);
    } catch {
      // Storage is off or full; nothing depends on it.
    }
  },
};

export const theme = writable<Theme>(read());

export function chooseTheme(chosen: Theme): void {
  theme.set(chosen);
  keep.set(KEY, chosen);
  if (chosen === 'system') delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = chosen;
}
