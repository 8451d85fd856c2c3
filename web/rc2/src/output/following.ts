/** A preview that follows the cursor: which part of a page belongs to a line of its document. */

import { outline } from '../editor/chunks.ts';
import { isNotebook } from '../editor/notebook.ts';
import { LINE } from './markdown.ts';

/** Scroll a box so that the block is in view that a line, from 0, is in; what is in view already stays where it is. */
export function scrollToLine(box: HTMLElement, line: number): void {
  const blocks = [...box.querySelectorAll<HTMLElement>(`[${LINE}]`)];
  // Above the first block is the head of YAML.
  const at = Math.max(
    0,
    blocks.findLastIndex((block) => lineOf(block) <= line),
  );
  const block = blocks[at];
  if (!block) return;
  const { top, height } = block.getBoundingClientRect();
  const next = blocks[at + 1];
  const long = next ? lineOf(next) - lineOf(block) : 1;
  const within = height * Math.min(1, Math.max(0, (line - lineOf(block)) / long));
  const { top: edge, height: room } = box.getBoundingClientRect();
  const place = top - edge + within;
  if (place >= 0 && place <= room - Math.min(40, height)) return;
  const calm = matchMedia('(prefers-reduced-motion: reduce)').matches;
  box.scrollBy({ top: place - room / 3, behavior: calm ? 'auto' : 'smooth' });
}

/** Return the line, from 0, of what an element of a preview shows; null where it is none of the text. */
export function lineAt(element: Element): number | null {
  const block = element.closest(`[${LINE}]`);
  return block ? lineOf(block) : null;
}

const lineOf = (block: Element): number => Number(block.getAttribute(LINE));

/**
 * Return the anchor of the heading above a line, from 0, in the page that was rendered of a document; empty for its beginning.
 *
 * Pandoc and nbconvert name headings by their text, each in its own way.
 */
export function anchorAt(path: string, text: string, line: number): string {
  const taken = new Map<string, number>();
  let anchor = '';
  for (const heading of outline(path, text)) {
    if (heading.kind !== 'heading') continue;
    if (heading.line > line) break;
    const name = isNotebook(path) ? plain(heading.text).replace(/\s/g, '-') : pandocs(heading, text);
    const before = taken.get(name) ?? 0;
    taken.set(name, before + 1);
    anchor = before === 0 || isNotebook(path) ? name : `${name}-${before}`;
  }
  return anchor;
}

function pandocs(heading: { text: string; line: number }, text: string): string {
  const own = /\{[^}]*#([^\s}]+)[^}]*\}\s*#*\s*$/.exec(text.split('\n')[heading.line] ?? '')?.[1];
  if (own) return own;
  const name = plain(heading.text)
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_.-]/gu, '')
    .trim()
    .replace(/\s+/g, '-')
    .replace(/^[^\p{L}]+/u, '');
  return name || 'section';
}

/** Return the text of a heading without its marks: emphasis, code, and the addresses of links. */
const plain = (heading: string): string =>
  heading.replace(/!?\[([^\]]*)\]\([^)]*\)/g, '$1').replace(/[*`]|(?<!\w)_|_(?!\w)/g, '');
