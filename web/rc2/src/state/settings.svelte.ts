/** What a person has set, kept in this browser. */

export interface Settings {
  theme: 'system' | 'light' | 'dark';
  contrast: 'normal' | 'high';
  fontSize: number;
  wrap: boolean;
  lineNumbers: boolean;
  vim: boolean;
  /** Whether mistakes are marked while code is typed. */
  checks: boolean;
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
  lineNumbers: true,
  vim: false,
  checks: true,
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

class KeptSettings {
  values: Settings = $state(parse(null));

  /** Read what is kept, and show it; other tabs' changes too. */
  start(): void {
    this.values = parse(localStorage.getItem(NAME));
    this.show();
    window.addEventListener('storage', ({ key, newValue }) => {
      if (key !== NAME) return;
      this.values = parse(newValue);
      this.show();
    });
  }

  set(change: Partial<Settings>): void {
    this.values = { ...this.values, ...change };
    localStorage.setItem(NAME, JSON.stringify(this.values));
    this.show();
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
