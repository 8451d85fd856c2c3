/** Values that come in several forms: which one is shown. */

import type { Rich } from '../protocol/messages.ts';

const ORDER = [
  'text/html',
  'image/svg+xml',
  'image/png',
  'image/jpeg',
  'image/gif',
  'image/webp',
  'text/markdown',
  'text/latex',
  'text/plain',
];

/** Where a value is shown: at a prompt tables are text, as R and Python print them there; under a chunk they are pages. */
export type Place = 'prompt' | 'chunk';

/** Return the richest form that can be shown; the empty string where there is none. */
export function choose({ data, blobs }: Pick<Rich, 'data' | 'blobs'>, place: Place = 'chunk'): string {
  const has = (form: string): boolean => form in data || form in blobs;
  const html = data['text/html'];
  // What R prints of a value as a text is what a person at R's prompt expects, unless the HTML is more than the text again.
  if (has('text/plain') && isPlainHtml(html)) return 'text/plain';
  if (place === 'prompt' && saysItself(data['text/plain']) && isTable(html)) return 'text/plain';
  return ORDER.find(has) ?? Object.keys(data)[0] ?? '';
}

/** Return whether HTML is a table of text, and nothing that draws, runs or leads elsewhere. */
const isTable = (html: unknown): boolean =>
  typeof html === 'string' &&
  /<table\b/i.test(html) &&
  !/<(?:script|iframe|svg|img|picture|canvas|video|audio|object|embed|a|button|input|form)\b/i.test(html);

/** Return whether a text is of the value, and not a name of it as `<IPython.core.display.HTML object>`, or its HTML again. */
const saysItself = (text: unknown): boolean => typeof text === 'string' && !text.trimStart().startsWith('<');

/** Return whether HTML holds nothing but text. */
const isPlainHtml = (html: unknown): boolean =>
  typeof html === 'string' &&
  html.length < 20_000 &&
  !/<(?!\/?(?:span|br|ol|ul|li|dl|dt|dd|strong|em|code|pre|p)\b)/i.test(html);

/** Return whether a value is a widget of Jupyter: what draws it is JupyterLab's, and talks to its kernel meanwhile. */
export const isWidget = ({ data, blobs }: Pick<Rich, 'data' | 'blobs'>): boolean =>
  [data, blobs].some((forms) => 'application/vnd.jupyter.widget-view+json' in forms);

export function textOf({ data }: Pick<Rich, 'data'>, form: string): string {
  const value = data[form];
  if (typeof value === 'string') return value;
  if (Array.isArray(value)) return value.join('');
  return value === undefined ? '' : JSON.stringify(value);
}

/** Return where an image is: in the event itself, or in the session. */
export function imageAddress(rich: Rich, form: string, blobAddress: (sha256: string) => string): string {
  const blob = rich.blobs[form];
  if (blob) return blobAddress(blob.sha256);
  const text = textOf(rich, form);
  return form === 'image/svg+xml'
    ? `data:image/svg+xml;charset=utf-8,${encodeURIComponent(text)}`
    : `data:${form};base64,${text.replaceAll('\n', '')}`;
}

/** Return the height of the frame for HTML, in pixels: a widget has room, and a table as much as its rows need. */
export function frameHeight(rich: Rich): number {
  const isLarge = 'text/html' in rich.blobs && !('text/html' in rich.data);
  const html = textOf(rich, 'text/html');
  if (isLarge || /<script|<iframe|<svg/i.test(html)) return 420;
  const rows = html.match(/<tr\b/gi)?.length ?? 0;
  return isTable(html) ? Math.min(240, 50 + 27 * rows) : 240; // 27 for a row, 20 for margins, and a caption
}
