/** The terminal's colours, on the grounds of the hub's pages, in light and in dark. */

import type { ITheme } from '@xterm/xterm';

const LIGHT: ITheme = {
  background: '#fefefd',
  foreground: '#1a1a18',
  cursor: '#2f55d0',
  cursorAccent: '#fefefd',
  selectionBackground: '#cfdafc',
  black: '#1a1a18',
  red: '#ac251d',
  green: '#1b683a',
  yellow: '#7d4f00',
  blue: '#2a4dc0',
  magenta: '#8a2f8f',
  cyan: '#17627a',
  white: '#77776f',
  brightBlack: '#666660',
  brightRed: '#cb3a31',
  brightGreen: '#2a8a50',
  brightYellow: '#8f5d0a',
  brightBlue: '#2f55d0',
  brightMagenta: '#a03fa5',
  brightCyan: '#1f728d',
  brightWhite: '#4f4f4a',
};

const DARK: ITheme = {
  background: '#121311',
  foreground: '#efefeb',
  cursor: '#a3b6ff',
  cursorAccent: '#121311',
  selectionBackground: '#33427c',
  black: '#43443f',
  red: '#ffa198',
  green: '#7fd4a2',
  yellow: '#efc075',
  blue: '#a3b6ff',
  magenta: '#e3a6e6',
  cyan: '#86cbe0',
  white: '#bdbeb7',
  brightBlack: '#86877f',
  brightRed: '#ffb9b2',
  brightGreen: '#9be0b7',
  brightYellow: '#f5d299',
  brightBlue: '#bccaff',
  brightMagenta: '#edbfef',
  brightCyan: '#a6d9e9',
  brightWhite: '#efefeb',
};

const dark = window.matchMedia('(prefers-color-scheme: dark)');

/** The colours for now, and again whenever the system changes between light and dark. */
export function follow(use: (theme: ITheme) => void): void {
  const now = (): void => use(dark.matches ? DARK : LIGHT);
  dark.addEventListener('change', now);
  now();
}
