/**
 * What a person has set. It is kept in the home, so that another browser and another session find it, and in this browser, where it
 * is at hand before the session answers.
 */

import type { Preferences, PreferencesChange } from '../protocol/messages.ts';

export interface Settings {
  theme: 'system' | 'light' | 'dark';
  contrast: 'normal' | 'high';
  fontSize: number;
  /** Whether long lines of code are wrapped. */
  wrap: boolean;
  /** Whether long lines of documents of text are wrapped, with chunks or without. */
  wrapText: boolean;
  lineNumbers: boolean;
  vim: boolean;
  /** Whether mistakes are marked while code is typed. */
  checks: boolean;
  /** The language in which prose is checked that names none itself; `browser` is that of the browser. */
  spelling: 'browser' | 'off' | 'en-us' | 'en-gb' | 'de';
  /** Words that are right, whatever a dictionary says. */
  words: string[];
  tabSize: number;
  keys: Record<string, string[]>;
  /** Whether the hint of the first minute was followed. */
  hinted: boolean;
}

const NAME = 'rc2-settings';
const DEFAULTS: Settings = {
  theme: 'system',
  contrast: 'normal',
  fontSize: 13,
  wrap: false,
  wrapText: true,
  lineNumbers: true,
  vim: false,
  checks: true,
  spelling: 'browser',
  words: [],
  tabSize: 2,
  keys: {},
  hinted: false,
};

/** Return settings from what was kept; what has another type than it should is as if it weren't there. */
export function parse(kept: string | null): Settings {
  try {
    const found = JSON.parse(kept ?? '{}') as Record<string, unknown>;
    const fitting = Object.entries(found).filter(
      ([name, value]) => name in DEFAULTS && typeof value === typeof DEFAULTS[name as keyof Settings],
    );
    return { ...DEFAULTS, ...(Object.fromEntries(fitting) as Partial<Settings>) };
  } catch {
    return { ...DEFAULTS };
  }
}

const LONGEST_WORD = 60;
const MOST_WORDS = 2000;

/** Return words as they can be kept: each once, and of too many the last ones. */
export const ownWords = (words: readonly string[]): string[] =>
  [...new Set(words)].filter((word) => word !== '' && word.length <= LONGEST_WORD).slice(-MOST_WORDS);

/** Return what is preferred as the session has it. */
export const toSession = ({
  fontSize,
  wrapText,
  lineNumbers,
  tabSize,
  ...same
}: Partial<Settings>): PreferencesChange => ({
  ...same,
  ...(fontSize === undefined ? {} : { font_size: fontSize }),
  ...(wrapText === undefined ? {} : { wrap_text: wrapText }),
  ...(lineNumbers === undefined ? {} : { line_numbers: lineNumbers }),
  ...(tabSize === undefined ? {} : { tab_size: tabSize }),
});

/** Return settings from what the session has. */
export const fromSession = (found: Preferences): Settings => ({
  theme: found.theme,
  contrast: found.contrast,
  fontSize: found.font_size,
  wrap: found.wrap,
  wrapText: found.wrap_text,
  lineNumbers: found.line_numbers,
  vim: found.vim,
  checks: found.checks,
  spelling: found.spelling,
  words: found.words,
  tabSize: found.tab_size,
  keys: found.keys,
  hinted: found.hinted,
});

/** How the session is asked. */
export interface Place {
  read: () => Promise<Preferences>;
  change: (change: PreferencesChange) => Promise<Preferences>;
}

class KeptSettings {
  values: Settings = $state(parse(null));
  /** What was changed here, and the session doesn't know yet. */
  private unsent: Partial<Settings> = {};
  /** What was changed here since the session was asked last: its answer may be from before. */
  private meanwhile: Partial<Settings> = {};
  private place: Place | null = null;
  private asking: Promise<void> | null = null;

  /** Read what is kept in this browser, and show it; other tabs' changes too. */
  start(): void {
    this.values = parse(localStorage.getItem(NAME));
    this.show();
    window.addEventListener('storage', ({ key, newValue }) => {
      if (key !== NAME) return;
      this.values = parse(newValue);
      this.show();
    });
  }

  /** Go on with what is kept in the home; where nothing is, keep there what this browser has. Return a sentence where it is broken. */
  async follow(place: Place): Promise<string | null> {
    this.place = place;
    const found = await this.read(place);
    if (!found.kept && localStorage.getItem(NAME) !== null) this.unsent = { ...this.values, ...this.unsent };
    else if (found.note === null) this.take(found);
    await this.send();
    return found.note;
  }

  /** Take what was changed in other sessions and browsers, and send what could not be sent. */
  async refresh(): Promise<void> {
    if (!this.place) return;
    await this.send();
    this.take(await this.read(this.place));
  }

  set(change: Partial<Settings>): void {
    this.meanwhile = { ...this.meanwhile, ...change };
    this.unsent = { ...this.unsent, ...change };
    this.put({ ...this.values, ...change });
    void this.send();
  }

  private read(place: Place): Promise<Preferences> {
    this.meanwhile = {};
    return place.read();
  }

  private take(found: Preferences): void {
    if (found.note === null && found.kept)
      this.put({ ...fromSession(found), ...this.meanwhile, ...this.unsent });
  }

  private put(values: Settings): void {
    if (JSON.stringify(values) === JSON.stringify(this.values)) return;
    this.values = values;
    localStorage.setItem(NAME, JSON.stringify(values));
    this.show();
  }

  /** Send what is unsent, one change after another; what can't be sent is sent with the next. */
  private send(): Promise<void> {
    this.asking ??= this.sendAll().finally(() => (this.asking = null));
    return this.asking;
  }

  private async sendAll(): Promise<void> {
    while (this.place && Object.keys(this.unsent).length > 0) {
      const sending = this.unsent;
      this.unsent = {};
      try {
        await this.place.change(toSession(sending));
      } catch {
        this.unsent = { ...sending, ...this.unsent };
        return; // it is kept in this browser meanwhile
      }
    }
  }

  private show(): void {
    const root = document.documentElement;
    const { theme, contrast, fontSize } = this.values;
    if (theme === 'system') delete root.dataset.theme;
    else root.dataset.theme = theme;
    root.dataset.contrast = contrast;
    root.style.setProperty('--code-size', `${fontSize}px`);
  }
}

export const settings = new KeptSettings();
