import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

const css = readFileSync(new URL('./tokens.css', import.meta.url), 'utf8');
const themes = ['light', 'dark'] as const;
type Theme = (typeof themes)[number];

function colours(): Map<string, Record<Theme, string>> {
  const pattern = /--([a-z0-9-]+):\s*light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\);/g;
  return new Map(
    [...css.matchAll(pattern)].map(([, name = '', light = '', dark = '']) => [name, { light, dark }]),
  );
}

/** Relative luminance of WCAG 2.2. */
function luminance(hex: string): number {
  const [red, green, blue] = [1, 3, 5].map((at) => {
    const part = parseInt(hex.slice(at, at + 2), 16) / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  }) as [number, number, number];
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

function contrast(one: string, other: string): number {
  const [a, b] = [luminance(one), luminance(other)];
  return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
}

const all = colours();
const colour = (name: string, theme: Theme): string => {
  const found = all.get(name);
  if (!found) throw new Error(`tokens.css has no colour --${name}`);
  return found[theme];
};

const grounds = ['grey-1', 'grey-2', 'grey-3'];
const meanings = ['good', 'waiting', 'warning', 'bad'];

/** Text needs 4.5 : 1 (AA). */
const text: [string, string][] = [
  ...['grey-10', 'grey-11', 'grey-12', 'accent-ink'].flatMap((ink) =>
    [...grounds, 'grey-4'].map((ground): [string, string] => [ink, ground]),
  ),
  ...meanings.flatMap((meaning) => [
    ...grounds.map((ground): [string, string] => [`${meaning}-ink`, ground]),
    [`${meaning}-ink`, `${meaning}-ground`] as [string, string],
    ['grey-12', `${meaning}-ground`] as [string, string],
    ['grey-11', `${meaning}-ground`] as [string, string],
  ]),
  ['grey-12', 'grey-5'],
  ['accent-ink', 'accent-ground'],
  ['grey-12', 'accent-ground'],
  ['accent-on', 'accent'],
  ['accent-on', 'accent-hover'],
  ['accent-on', 'accent-press'],
];

/** Borders of controls and marks that carry a meaning need 3 : 1 (AA, 1.4.11). */
const marks: [string, string][] = [
  ...['grey-8', 'grey-9', 'accent', ...meanings.map((meaning) => `${meaning}-mark`)].flatMap((mark) =>
    ['grey-1', 'grey-2', 'grey-3'].map((ground): [string, string] => [mark, ground]),
  ),
  ...meanings.map((meaning): [string, string] => [`${meaning}-mark`, `${meaning}-ground`]),
];

describe.each(themes)('in %s', (theme) => {
  it.each(text)('text %s is read on %s', (ink, ground) => {
    expect(contrast(colour(ink, theme), colour(ground, theme))).toBeGreaterThanOrEqual(4.5);
  });

  it.each(marks)('the mark %s is seen on %s', (mark, ground) => {
    expect(contrast(colour(mark, theme), colour(ground, theme))).toBeGreaterThanOrEqual(3);
  });
});

it('greys have 12 steps', () => {
  expect([...all.keys()].filter((name) => /^grey-\d+$/.test(name))).toHaveLength(12);
});
