/** The name at the cursor: where it gets its value, and another one in its place. */

import type { ChangeSpec } from '@codemirror/state';
import { showDialog, type EditorView } from '@codemirror/view';
import { toasts } from '@rsparkhub/ui';
import { definition, renamed, type NameAsked } from './checks.ts';
import { codeAt } from './code-at.ts';
import { offset } from './edits.ts';

interface Place {
  path: string;
  /** From 1. */
  line: number;
}

/** How files are called where names are asked for, and how one is opened. */
export interface Files {
  uri: (path: string, language: string) => string;
  /** Return the path of a file's address; null for one that is not in the home. */
  path: (uri: string) => string | null;
  spoken: (language: string) => string;
  open: (place: Place) => void;
}

/** Go to where the name at the cursor gets its value, also in another file. */
export async function goToDefinition(view: EditorView, path: string, files: Files): Promise<void> {
  const { doc } = view.state;
  const asked = askedAt(view, path, files);
  if (!asked) return;
  try {
    const found = await definition(asked);
    if (found?.uri === asked.uri) {
      if (view.state.doc !== doc) return; // it would lead to another place
      const from = offset(doc, found.range.start);
      view.dispatch({
        selection: { anchor: from, head: offset(doc, found.range.end) },
        scrollIntoView: true,
        userEvent: 'select.definition',
      });
      view.focus();
      return;
    }
    const elsewhere = found && files.path(found.uri);
    if (found && elsewhere) files.open({ path: elsewhere, line: found.range.start.line + 1 });
    else toasts.show('Where this name gets its value is not in your files. F1 has the help on it.');
  } catch (problem) {
    say(problem);
  }
}

/** Ask for another name for what is named at the cursor, and write it in all places of the file: one change, which one undo takes back. */
export async function rename(view: EditorView, path: string, files: Files): Promise<void> {
  const { doc, selection } = view.state;
  const word = view.state.wordAt(selection.main.head);
  const asked = askedAt(view, path, files);
  if (!word || !asked) {
    toasts.show('There is no name at the cursor.');
    return;
  }
  if (view.state.readOnly) {
    toasts.show('This file can’t be written.', { meaning: 'warning' });
    return;
  }
  const { result, close } = showDialog(view, {
    label: 'New name',
    input: { name: 'name', value: doc.sliceString(word.from, word.to), 'aria-label': 'New name' },
    submitLabel: 'Rename',
    focus: 'input',
    class: 'cm-rename',
    top: true,
  });
  const form = await result;
  view.dispatch({ effects: close });
  view.focus();
  const name = (form?.elements.namedItem('name') as HTMLInputElement | null)?.value.trim();
  if (!name) return;
  try {
    const edits = await renamed(asked, name);
    if (view.state.doc !== doc) {
      toasts.show('Not renamed, since you went on typing. Try again.');
      return;
    }
    const changes: ChangeSpec[] = edits.map(({ range, newText }) => ({
      from: offset(doc, range.start),
      to: offset(doc, range.end),
      insert: newText,
    }));
    view.dispatch({ changes, userEvent: 'input.rename' });
    const places = `${edits.length} ${edits.length === 1 ? 'place' : 'places'}`;
    toasts.show(`Renamed in ${places} of this file.`);
  } catch (problem) {
    say(problem);
  }
}

function askedAt(view: EditorView, path: string, files: Files): NameAsked | null {
  const { doc, selection } = view.state;
  const code = codeAt(view.state, path);
  if (!code) return null;
  const line = doc.lineAt(selection.main.head);
  return {
    uri: files.uri(path, code.language),
    language: code.language,
    spoken: files.spoken(code.language),
    code: code.text,
    position: { line: line.number - 1, character: selection.main.head - line.from },
  };
}

function say(problem: unknown): void {
  toasts.show(problem instanceof Error ? problem.message : String(problem), { meaning: 'warning' });
}
