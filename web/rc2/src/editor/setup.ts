/** CodeMirror as the editor and the console's input have it. */

import {
  acceptCompletion,
  autocompletion,
  closeBrackets,
  closeBracketsKeymap,
  completionKeymap,
  moveCompletionSelection,
  startCompletion,
  type CompletionSource,
} from '@codemirror/autocomplete';
import { defaultKeymap, history, historyKeymap, indentWithTab } from '@codemirror/commands';
import {
  bracketMatching,
  foldGutter,
  foldKeymap,
  indentOnInput,
  indentUnit,
  codeFolding,
} from '@codemirror/language';
import { Compartment, EditorState, Text, type Extension } from '@codemirror/state';
import {
  EditorView,
  crosshairCursor,
  drawSelection,
  dropCursor,
  highlightActiveLine,
  highlightActiveLineGutter,
  highlightSpecialChars,
  keymap,
  lineNumbers,
  rectangularSelection,
} from '@codemirror/view';
import type { Settings } from '../state/settings.svelte.ts';
import { support } from './languages.ts';
import { rainbowBrackets } from './rainbow.ts';
import { theme } from './theme.ts';

const language = new Compartment();
const looks = new Compartment();
const modal = new Compartment();
const searching = new Compartment();

/** Lines longer than this are wrapped whatever is set, since a line of millions of characters can't be drawn. */
const LONGEST_LINE = 50_000;
/** Documents larger than this are shown without a grammar. */
const LARGEST_WITH_GRAMMAR = 4_000_000;

const shared = (complete: CompletionSource, selectOnOpen = true): Extension => [
  highlightSpecialChars(),
  history(),
  drawSelection(),
  EditorState.allowMultipleSelections.of(true),
  bracketMatching(),
  closeBrackets(),
  autocompletion({ override: [complete], activateOnTypingDelay: 120, selectOnOpen }),
  theme,
];

function appearance(
  { wrap, wrapText, lineNumbers: numbers, tabSize }: Settings,
  language: string,
  doc: Text,
): Extension {
  const wrapped = language === 'markdown' ? wrapText : wrap;
  return [
    wrapped || hasLongLine(doc) ? EditorView.lineWrapping : [],
    numbers ? [lineNumbers(), highlightActiveLineGutter()] : [],
    foldGutter({
      markerDOM: (open) => {
        const mark = document.createElement('span');
        mark.textContent = open ? '⌄' : '›';
        mark.title = open ? 'Fold' : 'Unfold';
        return mark;
      },
    }),
    EditorState.tabSize.of(tabSize),
    indentUnit.of(' '.repeat(tabSize)),
  ];
}

const hasLongLine = (doc: Text): boolean => {
  for (const line of doc.iterLines()) if (line.length > LONGEST_LINE) return true;
  return false;
};

export interface EditorOptions {
  parent: HTMLElement;
  text: string;
  language: string;
  label: string;
  readOnly: boolean;
  settings: Settings;
  complete: CompletionSource;
  changed: (text: () => string) => void;
  moved: (line: number) => void;
  extensions?: Extension;
}

/** Make an editor of a document. */
export function createEditor(options: EditorOptions): EditorView {
  const { parent, text, label, readOnly, settings, complete, changed, moved } = options;
  const doc = Text.of(text.split(/\r\n?|\n/));
  const view = new EditorView({
    parent,
    state: EditorState.create({
      doc,
      extensions: [
        modal.of([]),
        shared(complete),
        options.extensions ?? [],
        dropCursor(),
        codeFolding(),
        indentOnInput(),
        rectangularSelection(),
        crosshairCursor(),
        highlightActiveLine(),
        rainbowBrackets,
        looks.of(appearance(settings, options.language, doc)),
        language.of([]),
        searching.of([]),
        EditorState.readOnly.of(readOnly),
        EditorView.contentAttributes.of({
          'aria-label': label,
          spellcheck: 'false',
          autocapitalize: 'off',
          tabindex: '0',
        }),
        keymap.of([
          { key: 'Tab', run: acceptCompletion },
          ...closeBracketsKeymap,
          ...defaultKeymap,
          ...historyKeymap,
          ...foldKeymap,
          ...completionKeymap,
          indentWithTab,
        ]),
        EditorView.updateListener.of((update) => {
          if (update.docChanged) changed(() => update.state.doc.toString());
          if (update.docChanged || update.selectionSet)
            moved(update.state.doc.lineAt(update.state.selection.main.head).number - 1);
        }),
      ],
    }),
  });
  if (text.length < LARGEST_WITH_GRAMMAR) void setLanguage(view, options.language);
  void setModal(view, settings.vim);
  void addSearch(view);
  return view;
}

/** Let the text be searched. What that takes is loaded with the first editor: consoles have none. */
async function addSearch(view: EditorView): Promise<void> {
  const { highlightSelectionMatches, search, searchKeymap } = await import('@codemirror/search');
  const extension = [highlightSelectionMatches(), search({ top: true }), keymap.of(searchKeymap)];
  view.dispatch({ effects: searching.reconfigure(extension) });
}

async function setLanguage(view: EditorView, name: string): Promise<void> {
  const loaded = await support(name);
  view.dispatch({ effects: language.reconfigure(loaded) });
}

/** Follow what the person has set, in an editor of that language. */
export function applySettings(view: EditorView, settings: Settings, name: string): void {
  view.dispatch({ effects: looks.reconfigure(appearance(settings, name, view.state.doc)) });
  void setModal(view, settings.vim);
}

async function setModal(view: EditorView, on: boolean): Promise<void> {
  view.dispatch({ effects: modal.reconfigure(on ? (await import('@replit/codemirror-vim')).vim() : []) });
}

/** Replace the whole text, as one change that can be undone; the cursor stays where it can. */
export function replaceText(view: EditorView, text: string): void {
  if (view.state.doc.toString() === text) return;
  const { anchor } = view.state.selection.main;
  view.dispatch({
    changes: { from: 0, to: view.state.doc.length, insert: text },
    selection: { anchor: Math.min(anchor, text.length) },
  });
}

export interface InputOptions {
  parent: HTMLElement;
  label: string;
  complete: CompletionSource;
  /** Return whether the text was taken; else Enter begins a new line. */
  enter: (text: string) => boolean;
  /** Go to what was run before or after; return whether there is something. */
  recall: (step: -1 | 1, text: string) => string | null;
  changed: (text: string) => void;
}

const takeCompletion = (view: EditorView): boolean =>
  acceptCompletion(view) ||
  (moveCompletionSelection(true)(view) && acceptCompletion(view)) ||
  startCompletion(view);

/** Make the input of a console. */
export function createInput({ parent, label, complete, enter, recall, changed }: InputOptions): EditorView {
  const go =
    (step: -1 | 1) =>
    (view: EditorView): boolean => {
      const { state } = view;
      const line = state.doc.lineAt(state.selection.main.head).number;
      if (step < 0 ? line > 1 : line < state.doc.lines) return false;
      const text = recall(step, state.doc.toString());
      if (text === null) return false;
      view.dispatch({
        changes: { from: 0, to: state.doc.length, insert: text },
        selection: { anchor: text.length },
      });
      return true;
    };
  return new EditorView({
    parent,
    state: EditorState.create({
      extensions: [
        shared(complete, false),
        language.of([]),
        EditorView.lineWrapping,
        EditorView.contentAttributes.of({
          'aria-label': label,
          spellcheck: 'false',
          autocapitalize: 'off',
          tabindex: '0',
        }),
        keymap.of([
          ...completionKeymap.filter(({ key }) => key !== 'Enter'),
          // Enter takes a completion only where one was chosen with the arrows.
          { key: 'Enter', run: (view) => acceptCompletion(view) || enter(view.state.doc.toString()) },
          { key: 'Tab', run: takeCompletion },
          { key: 'ArrowUp', run: go(-1) },
          { key: 'ArrowDown', run: go(1) },
          ...closeBracketsKeymap,
          ...defaultKeymap,
          ...historyKeymap,
        ]),
        EditorView.updateListener.of((update) => {
          if (update.docChanged) changed(update.state.doc.toString());
        }),
      ],
    }),
  });
}

export { setLanguage as setInputLanguage };
