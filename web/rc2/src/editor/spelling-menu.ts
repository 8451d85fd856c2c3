/** The menu under a misspelt word: others for it, and what else can be done with it. */

import { StateEffect, StateField } from '@codemirror/state';
import { EditorView, showTooltip, type Tooltip, type TooltipView } from '@codemirror/view';
import type { Word } from './prose.ts';

interface Choices {
  /** What the word may be meant to be. */
  meant: readonly string[];
  add: () => void;
  ignore: () => void;
}

interface Item {
  text: string;
  choose: () => void;
  kind: 'word' | 'action';
}

const setMenu = StateEffect.define<Tooltip | null>();

const shown = StateField.define<Tooltip | null>({
  create: () => null,
  update(before, { docChanged, effects }) {
    for (const effect of effects) if (effect.is(setMenu)) return effect.value;
    return docChanged ? null : before;
  },
  provide: (field) => showTooltip.from(field),
});

const look = EditorView.baseTheme({
  '.cm-spelling': {
    display: 'flex',
    flexDirection: 'column',
    minWidth: '180px',
    maxWidth: 'min(320px, calc(100vw - 32px))',
    padding: '4px',
    fontFamily: 'var(--font-text)',
    fontSize: 'var(--size-small)',
  },
  '.cm-spelling [role=menuitem]': {
    minHeight: '28px',
    padding: '4px 10px',
    border: '0',
    borderRadius: 'var(--radius-small)',
    background: 'none',
    color: 'var(--grey-12)',
    font: 'inherit',
    textAlign: 'left',
    overflowWrap: 'anywhere',
    cursor: 'pointer',
  },
  '.cm-spelling .word': { fontWeight: '600' },
  '.cm-spelling .none': { margin: '0', padding: '4px 10px', color: 'var(--grey-11)' },
  '.cm-spelling hr': { width: '100%', margin: '4px 0', border: '0', borderTop: 'var(--hairline)' },
  '.cm-spelling [role=menuitem]:focus, .cm-spelling [role=menuitem]:hover': {
    outline: 'none',
    backgroundColor: 'var(--accent-ground)',
  },
  '.cm-spelling [role=menuitem]:focus-visible': {
    outline: '2px solid var(--accent-ink)',
    outlineOffset: '-2px',
  },
});

/** What an editor needs to show the menu. */
export const menu = [shown, look];

/** Show the menu of a word, below it; its first choice has the keyboard. */
export function offer(view: EditorView, { from, to, text: word }: Word, choices: Choices): void {
  const close = (): void => {
    view.dispatch({ effects: setMenu.of(null) });
    view.focus();
  };
  const replace = (text: string): void => {
    view.dispatch({
      changes: { from, to, insert: text },
      selection: { anchor: from + text.length },
      effects: EditorView.announce.of(`${word} is now ${text}`),
      userEvent: 'input.spelling',
    });
  };
  const { meant, add, ignore } = choices;
  const items: Item[] = [
    ...meant.map((text): Item => ({ text, choose: () => replace(text), kind: 'word' })),
    { text: 'Add to dictionary', choose: add, kind: 'action' },
    { text: 'Ignore in this document', choose: ignore, kind: 'action' },
  ];

  const create = (): TooltipView => {
    const dom = document.createElement('div');
    dom.className = 'cm-spelling';
    dom.setAttribute('role', 'menu');
    dom.setAttribute('aria-label', meant.length > 0 ? `Instead of ${word}` : `${word}: no suggestions`);
    const buttons = items.map(({ text, choose, kind }) => {
      const button = document.createElement('button');
      button.type = 'button';
      button.tabIndex = -1;
      button.className = kind;
      button.textContent = text;
      button.setAttribute('role', 'menuitem');
      button.addEventListener('click', () => {
        choose();
        close();
      });
      return button;
    });
    const above = meant.length > 0 ? document.createElement('hr') : document.createElement('p');
    if (meant.length === 0) {
      above.className = 'none';
      above.textContent = 'No suggestions';
      above.setAttribute('role', 'presentation');
    }
    dom.append(...buttons.slice(0, meant.length), above, ...buttons.slice(meant.length));
    dom.addEventListener('keydown', (event) => {
      const at = buttons.indexOf(document.activeElement as HTMLButtonElement);
      const next = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: -1 }[event.key];
      if (next !== undefined) buttons.at(next % buttons.length)?.focus();
      else if (event.key === 'Escape' || event.key === 'Tab') close();
      else return;
      event.preventDefault();
      event.stopPropagation();
    });
    dom.addEventListener('focusout', ({ relatedTarget }) => {
      if (relatedTarget !== null && !dom.contains(relatedTarget as Node))
        view.dispatch({ effects: setMenu.of(null) });
    });
    return { dom, mount: () => buttons[0]?.focus() };
  };
  view.dispatch({ effects: setMenu.of({ pos: from, above: false, create }) });
}
