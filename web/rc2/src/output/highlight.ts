/** Colours of code outside of an editor, by the editor's own grammars. */

import { LanguageSupport } from '@codemirror/language';
import { highlightCode, tagHighlighter, tags } from '@lezer/highlight';
import { support } from '../editor/languages.ts';

export interface Mark {
  text: string;
  kind: string;
}

const LONGEST = 20_000; // characters

const highlighter = tagHighlighter([
  { tag: [tags.keyword, tags.controlKeyword], class: 'keyword' },
  { tag: [tags.string, tags.special(tags.string)], class: 'string' },
  { tag: [tags.number, tags.bool, tags.null, tags.atom], class: 'number' },
  { tag: [tags.comment, tags.meta], class: 'comment' },
]);

/** Return code in pieces, each of one kind; what is too long stays as it is. */
export async function highlighted(code: string, language: string): Promise<Mark[]> {
  if (code.length > LONGEST) return [{ text: code, kind: '' }];
  const loaded = await support(language);
  if (!(loaded instanceof LanguageSupport)) return [{ text: code, kind: '' }];
  const marks: Mark[] = [];
  highlightCode(
    code,
    loaded.language.parser.parse(code),
    highlighter,
    (text, kind) => marks.push({ text, kind }),
    () => marks.push({ text: '\n', kind: '' }),
  );
  return marks;
}
