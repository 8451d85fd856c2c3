/** Keys and their names. A chord is written as `Ctrl+Shift+K`; `Ctrl` is Command on a Mac. */

export const isMac = typeof navigator !== 'undefined' && /Mac|iP(hone|ad|od)/.test(navigator.platform);

interface Pressed {
  key: string;
  code: string;
  ctrlKey: boolean;
  metaKey: boolean;
  altKey: boolean;
  shiftKey: boolean;
}

const NAMES: Record<string, string> = {
  ' ': 'Space',
  ArrowUp: 'Up',
  ArrowDown: 'Down',
  ArrowLeft: 'Left',
  ArrowRight: 'Right',
  Escape: 'Esc',
};
const MODIFIERS = new Set(['Control', 'Shift', 'Alt', 'Meta', 'AltGraph', 'CapsLock', 'Dead', 'Process']);

/**
 * Return the chord of a keyboard event, or null while only modifiers are down.
 *
 * With Alt or Shift a key is named by its place, since what it writes differs between layouts: Alt+- is `–` on a Mac.
 */
export function chordOf(event: Pressed, mac = isMac): string | null {
  if (MODIFIERS.has(event.key) && !/^(Key|Digit|Minus)/.test(event.code)) return null;
  if (event.key === 'Control' || event.key === 'Shift' || event.key === 'Alt' || event.key === 'Meta')
    return null;
  const parts: string[] = [];
  if (mac ? event.metaKey : event.ctrlKey) parts.push('Ctrl');
  if (mac ? event.ctrlKey : event.metaKey) parts.push('Meta');
  if (event.altKey) parts.push('Alt');
  if (event.shiftKey) parts.push('Shift');
  parts.push(keyName(event));
  return parts.join('+');
}

function keyName({ key, code, altKey, shiftKey, ctrlKey, metaKey }: Pressed): string {
  const letter = /^Key([A-Z])$/.exec(code)?.[1];
  const digit = /^Digit(\d)$/.exec(code)?.[1];
  if (/^[a-z]$/i.test(key)) return key.toUpperCase();
  if (letter && (altKey || ctrlKey || metaKey)) return letter;
  if (digit && (altKey || shiftKey || ctrlKey || metaKey)) return digit;
  if (code === 'Minus' && (altKey || shiftKey)) return '-';
  if (code === 'Equal' && (altKey || shiftKey)) return '=';
  return NAMES[key] ?? (key.length === 1 ? key.toUpperCase() : key);
}

const SIGNS: Record<string, string> = {
  Ctrl: '⌘',
  Meta: '⌃',
  Alt: '⌥',
  Shift: '⇧',
  Enter: '↩',
  Backspace: '⌫',
};

/** Return a chord as it stands on the person's keyboard. */
export const shown = (chord: string, mac = isMac): string =>
  mac
    ? split(chord)
        .map((part) => SIGNS[part] ?? part)
        .join('')
    : chord;

/** Return the parts of a chord; the last one is the key, which may itself be a plus. */
export function split(chord: string): string[] {
  return chord.endsWith('++') ? [...chord.slice(0, -2).split('+'), '+'] : chord.split('+');
}
