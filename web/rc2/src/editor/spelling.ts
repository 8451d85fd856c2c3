/** Marks of misspelt words in the prose of an editor, where it is seen; and the way to the next one. */

import { ensureSyntaxTree, language as grammar, syntaxTree } from '@codemirror/language';
import {
  Compartment,
  Facet,
  StateEffect,
  StateField,
  type EditorState,
  type Extension,
} from '@codemirror/state';
import { Decoration, EditorView, ViewPlugin, type DecorationSet, type ViewUpdate } from '@codemirror/view';
import type { Tree } from '@lezer/common';
import { toasts } from '@rsparkhub/ui';
import { dictionary } from './dictionary.ts';
import { languageInHead, proseWords, type Word } from './prose.ts';
import type { Settings } from '../state/settings.svelte.ts';
import { dictionaryOf, dictionarySet, type DictionaryName } from './spelling-languages.ts';
import { menu, offer } from './spelling-menu.ts';

export interface SpellingOptions {
  path: string;
  /** The language that the person has set, for a document that names none. */
  set: Settings['spelling'];
  /** Words that the person has added. */
  known: readonly string[];
  /** Keep a word as one of the person's. */
  add: (word: string) => void;
}

/** Milliseconds without typing, and without scrolling. */
const PAUSE = 300;
/** Characters that are read at a time on the way to the next misspelt word. */
const STEP = 10_000;
/** Milliseconds that the grammar may read at a time, and how often. */
const READING = 50;
const MOST_READINGS = 100;

const given = Facet.define<SpellingOptions, SpellingOptions | null>({ combine: ([first]) => first ?? null });
const place = new Compartment();

const setMarks = StateEffect.define<DecorationSet>();
const misspelt = Decoration.mark({ class: 'cm-misspelt' });

const marks = StateField.define<DecorationSet>({
  create: () => Decoration.none,
  update(before, { changes, effects }) {
    for (const effect of effects) if (effect.is(setMarks)) return effect.value;
    if (changes.empty) return before;
    let found = before.map(changes);
    // What is typed in is another word.
    changes.iterChangedRanges((_from, _to, from, to) => {
      found = found.update({ filterFrom: from, filterTo: to, filter: () => false });
    });
    return found;
  },
  provide: (field) => EditorView.decorations.from(field),
});

/** Words that are left alone in a document, by its path, as long as the page is there. */
const ignored = new Map<string, Set<string>>();

/** Return the dictionary of a document, by what its head names; null where there is none. */
function nameFor(state: EditorState): DictionaryName | null {
  const otherwise = dictionarySet(state.facet(given)?.set ?? 'off', navigator.language);
  const said = languageInHead(state.doc);
  return said === null ? otherwise : dictionaryOf(said, otherwise);
}

/** Return which of the words are wrong and nobody has said that they are right. */
async function wrong(state: EditorState, words: readonly Word[]): Promise<Word[]> {
  const options = state.facet(given);
  const name = nameFor(state);
  if (!options || name === null) return [];
  const known = new Set([...options.known, ...(ignored.get(options.path) ?? [])]);
  const asked = words.filter(({ text }) => !known.has(text) && !known.has(text.toLowerCase()));
  const found = await dictionary.wrong(
    name,
    asked.map(({ text }) => text),
  );
  return asked.filter(({ text }) => found.has(text));
}

/** Whether it was said that the dictionary can't be read: it is tried again with each change. */
let failed = false;

const marking = ViewPlugin.fromClass(
  class {
    private timer: ReturnType<typeof setTimeout> | undefined;
    private over = false;
    private last = 0;

    constructor(private readonly view: EditorView) {
      this.plan();
    }

    update({ docChanged, viewportChanged, startState, state }: ViewUpdate): void {
      const read = syntaxTree(startState) !== syntaxTree(state);
      if (docChanged || viewportChanged || read || startState.facet(given) !== state.facet(given))
        this.plan();
    }

    destroy(): void {
      this.over = true;
      clearTimeout(this.timer);
    }

    /** Mark what is seen, soon. */
    plan(): void {
      clearTimeout(this.timer);
      this.timer = setTimeout(() => void this.mark(), PAUSE);
    }

    private async mark(): Promise<void> {
      const { state, visibleRanges } = this.view;
      const number = (this.last += 1);
      const options = state.facet(given);
      if (!options) return;
      const read = { path: options.path, doc: state.doc, tree: syntaxTree(state) };
      const words = new Map<number, Word>(); // a paragraph may be seen in two pieces
      for (const { from, to } of visibleRanges)
        for (const word of proseWords(read, from, to)) words.set(word.from, word);
      try {
        const found = await wrong(state, [...words.values()]);
        failed = false;
        // What was changed, or asked for again, is read anew.
        if (this.over || this.last !== number || this.view.state.doc !== state.doc) return;
        const set = found.map(({ from, to }) => misspelt.range(from, to));
        this.view.dispatch({ effects: setMarks.of(Decoration.set(set, true)) });
      } catch (problem) {
        if (!failed) say(problem);
        failed = true;
      }
    }
  },
);

function say(problem: unknown): void {
  const why = problem instanceof Error ? problem.message : String(problem);
  toasts.show(`Words can’t be checked, since the dictionary can’t be read: ${why}`, { meaning: 'warning' });
}

const clicks = EditorView.domEventHandlers({
  contextmenu: (event, view) => {
    const at = view.posAtCoords({ x: event.clientX, y: event.clientY });
    const word = at === null ? null : markAt(view.state, at);
    if (!word) return false;
    event.preventDefault();
    void choose(view, word);
    return true;
  },
});

const look = EditorView.baseTheme({
  '.cm-misspelt': {
    textDecoration: 'underline wavy 1px',
    textDecorationColor: 'var(--accent-ink)',
    textUnderlineOffset: '3px',
  },
});

/** Mark misspelt words in an editor from now on, by these options; null ends it. */
export function setSpelling(view: EditorView, options: SpellingOptions | null): void {
  const extension: Extension = options ? [given.of(options), marks, menu, marking, clicks, look] : [];
  const set = place.get(view.state) !== undefined;
  view.dispatch({
    effects: set ? place.reconfigure(extension) : StateEffect.appendConfig.of(place.of(extension)),
  });
}

/** Go to the misspelt word at the cursor or the next one, from the top again where there is none below, and offer others for it. */
export async function nextMisspelt(view: EditorView): Promise<void> {
  const { state } = view;
  const options = state.facet(given);
  if (!options) {
    toasts.show('No words are checked here. Settings (Ctrl+,) has the language.');
    return;
  }
  if (nameFor(state) === null) {
    const named = languageInHead(state.doc);
    toasts.show(
      named === null
        ? 'No words are checked here. Settings (Ctrl+,) has the language.'
        : `There is no dictionary of ${named}, the language of this document.`,
    );
    return;
  }
  const { main } = state.selection;
  const from = main.empty ? (state.wordAt(main.head)?.from ?? main.head) : main.to;
  try {
    const found =
      (await firstMisspelt(state, from, state.doc.length)) ?? (await firstMisspelt(state, 0, from));
    if (view.state.doc !== state.doc) return; // it would lead to another place
    if (found) await choose(view, found);
    else toasts.show('No word of this file is misspelt.');
  } catch (problem) {
    say(problem);
  }
}

async function firstMisspelt(state: EditorState, from: number, to: number): Promise<Word | null> {
  const { path } = state.facet(given) ?? { path: '' };
  for (let at = from; at < to; at += STEP) {
    const end = Math.min(at + STEP, to);
    const tree = await treeTo(state, end);
    const words = proseWords({ path, doc: state.doc, tree }, at, end).filter(
      (word) => word.from >= from && word.from < to,
    );
    const [first] = await wrong(state, words);
    if (first) return first;
  }
  return null;
}

/** Return the tree of a document so far, while the page answers in between. */
async function treeTo(state: EditorState, to: number): Promise<Tree> {
  for (let reading = 0; state.facet(grammar) !== null && reading < MOST_READINGS; reading += 1) {
    await new Promise((resolve) => setTimeout(resolve));
    const tree = ensureSyntaxTree(state, to, READING);
    if (tree) return tree;
  }
  return syntaxTree(state);
}

function markAt(state: EditorState, position: number): Word | null {
  let found: Word | null = null;
  state.field(marks).between(position, position, (from, to) => {
    found = { text: state.sliceDoc(from, to).replaceAll('’', "'"), from, to };
  });
  return found;
}

/** Select a word, and offer what it may be meant to be. */
async function choose(view: EditorView, word: Word): Promise<void> {
  const { state } = view;
  const options = state.facet(given);
  const name = nameFor(state);
  if (!options || name === null) return;
  view.dispatch({ selection: { anchor: word.from, head: word.to }, scrollIntoView: true });
  try {
    const meant = await dictionary.meant(name, word.text);
    if (view.state.doc !== state.doc) return;
    offer(view, word, {
      meant,
      add: () => options.add(word.text),
      ignore: () => {
        ignored.set(options.path, (ignored.get(options.path) ?? new Set()).add(word.text));
        view.plugin(marking)?.plan();
      },
    });
  } catch (problem) {
    say(problem);
  }
}
