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

/** Give the focus back to an element that was moved. An editor's cursor stays where it was: the browser puts it at the start. */
export function giveBack(element: Element | null): void {
  if (!(element instanceof HTMLElement) || !document.contains(element)) return;
  const view = EditorView.findFromDOM(element);
  if (view) view.focus();
  else element.focus({ preventScroll: true });
}
