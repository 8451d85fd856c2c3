/** The code of one language in a document, each line where it stands: what no chunk of that language has is empty. */

import type { EditorState } from '@codemirror/state';
import { chunkAt, chunks, hasChunks } from './chunks.ts';
import { languageOf } from './languages.ts';

export interface Code {
  language: string;
  text: string;
}

/** Return the code of the language at the cursor; null where there is none. */
export function codeAt(state: EditorState, path: string): Code | null {
  const text = state.doc.toString();
  if (!hasChunks(path)) return { language: languageOf(path), text };
  const all = chunks(text);
  const language = chunkAt(all, state.doc.lineAt(state.selection.main.head).number - 1)?.language;
  if (language === undefined) return null;
  const lines = text.split('\n').map(() => '');
  for (const chunk of all)
    if (chunk.language === language)
      chunk.code.split('\n').forEach((line, at) => {
        if (chunk.from + at < chunk.to) lines[chunk.from + at] = line;
      });
  return { language, text: lines.join('\n') };
}
