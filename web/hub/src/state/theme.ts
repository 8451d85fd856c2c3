/** Light, dark, or what the system says. `public/theme.js` reads the same key before the first paint. */
import { writable } from 'svelte/store';
import { storage } from './storage.ts';

export type Theme = 'system' | 'light' | 'dark';
export const THEMES: { value: Theme; text: string }[] = [
  { value: 'system', text: 'System' },
  { value: 'light', text: 'Light' },
  { value: 'dark', text: 'Dark' },
];

const KEY = 'rsparkhub.theme';

function read(): Theme {
  const stored = storage.get(KEY);
  return stored === 'light' || stored === 'dark' ? stored : 'system';
}

export const theme = writable<Theme>(read());

/** Show the theme, and remember it for the next visit. */
export function chooseTheme(chosen: Theme): void {
  theme.set(chosen);
  storage.set(KEY, chosen);
  if (chosen === 'system') delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = chosen;
}
