/** The terminal's colours, read from the tokens of the theme that is shown. */

import type { ITheme } from '@xterm/xterm';

const NAMES: [keyof ITheme, string][] = [
  ['background', '--grey-1'],
  ['foreground', '--grey-12'],
  ['cursor', '--accent-ink'],
  ['cursorAccent', '--grey-1'],
  ['black', '--grey-12'],
  ['red', '--bad-ink'],
  ['green', '--good-ink'],
  ['yellow', '--warning-ink'],
  ['blue', '--accent-ink'],
  ['magenta', '--accent-hover'],
  ['cyan', '--waiting-ink'],
  ['white', '--grey-10'],
  ['brightBlack', '--grey-10'],
  ['brightRed', '--bad-mark'],
  ['brightGreen', '--good-mark'],
  ['brightYellow', '--warning-mark'],
  ['brightBlue', '--accent'],
  ['brightMagenta', '--accent-press'],
  ['brightCyan', '--waiting-mark'],
  ['brightWhite', '--grey-11'],
];

/** Return the colours of now: xterm.js draws on a canvas, which knows no variables. */
export function terminalTheme(): ITheme {
  const probe = document.createElement('span');
  document.body.append(probe);
  const theme: ITheme = {};
  for (const [name, token] of NAMES) {
    probe.style.color = `var(${token})`;
    Object.assign(theme, { [name]: getComputedStyle(probe).color });
  }
  probe.style.color = 'light-dark(#cfdafc, #33427c)';
  theme.selectionBackground = getComputedStyle(probe).color;
  probe.remove();
  return theme;
}
