/** Where the focus is, as keys see it. */

import { EditorView } from '@codemirror/view';
import type { Place } from './registry.svelte.ts';

/** Return the place that an element is in. */
export function placeOf(target: EventTarget | null): Place {
  const place =
    target instanceof Element ? target.closest<HTMLElement>('[data-place]')?.dataset.place : undefined;
  return place === 'editor' || place === 'console' ? place : 'anywhere';
}

/** Return the editor, or the console's input, that has the focus. */
export function codeViewAtFocus(): EditorView | null {
  const focused = document.activeElement;
  const dom = focused instanceof HTMLElement ? focused.closest<HTMLElement>('.cm-editor') : null;
  return dom ? EditorView.findFromDOM(dom) : null;
}
