/** Waiting for the first chunk of a language. */

import { Compartment, StateEffect } from '@codemirror/state';
import { EditorView } from '@codemirror/view';
import { chunks } from './chunks.ts';

/** Call `found` once, as soon as a document has a chunk of a language; return what ends the waiting. */
export function whenChunkOf(language: string, view: EditorView, found: () => void): () => void {
  const has = (): boolean => chunks(view.state.doc.toString()).some((chunk) => chunk.language === language);
  if (has()) {
    found();
    return () => undefined;
  }
  const waiting = new Compartment();
  const end = (): void => view.dispatch({ effects: waiting.reconfigure([]) });
  const listener = EditorView.updateListener.of(({ docChanged }) => {
    if (!docChanged || !has()) return;
    // Nothing may be changed while an update is told.
    queueMicrotask(() => {
      if (waiting.get(view.state) !== listener) return;
      end();
      found();
    });
  });
  view.dispatch({ effects: StateEffect.appendConfig.of(waiting.of(listener)) });
  return end;
}
