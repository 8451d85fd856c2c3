/** How code looks: on the tokens of the pages, so that both themes and high contrast come by themselves. */

import { HighlightStyle, syntaxHighlighting } from '@codemirror/language';
import { EditorView } from '@codemirror/view';
import { tags } from '@lezer/highlight';

const highlight = HighlightStyle.define([
  { tag: [tags.keyword, tags.modifier, tags.controlKeyword], color: 'var(--accent-ink)' },
  { tag: [tags.string, tags.special(tags.string), tags.regexp], color: 'var(--good-ink)' },
  { tag: [tags.number, tags.bool, tags.null, tags.atom], color: 'var(--waiting-ink)' },
  { tag: [tags.comment, tags.meta], color: 'var(--grey-10)', fontStyle: 'italic' },
  { tag: [tags.operator, tags.punctuation, tags.bracket], color: 'var(--grey-11)' },
  { tag: [tags.function(tags.variableName), tags.standard(tags.variableName)], color: 'var(--warning-ink)' },
  { tag: [tags.definition(tags.variableName), tags.propertyName], color: 'var(--grey-12)' },
  { tag: [tags.typeName, tags.className], color: 'var(--waiting-ink)' },
  { tag: tags.heading, fontWeight: '600' },
  { tag: tags.strong, fontWeight: '700' },
  { tag: tags.emphasis, fontStyle: 'italic' },
  { tag: tags.link, color: 'var(--accent-ink)' },
  { tag: [tags.monospace, tags.processingInstruction], color: 'var(--grey-11)' },
  { tag: tags.invalid, color: 'var(--bad-ink)' },
]);

const look = EditorView.theme({
  '&': {
    height: '100%',
    backgroundColor: 'var(--grey-1)',
    color: 'var(--grey-12)',
    fontSize: 'var(--code-size)',
  },
  '&.cm-focused': { outline: 'none' },
  '.cm-scroller': {
    fontFamily: 'var(--font-code)',
    fontVariantLigatures: 'none',
    lineHeight: '1.55',
    overscrollBehavior: 'contain',
  },
  '.cm-content': { padding: '8px 0 40vh', caretColor: 'var(--accent-ink)' },
  '.cm-line': { padding: '0 12px 0 6px' },
  '.cm-cursor': { borderLeftColor: 'var(--accent-ink)', borderLeftWidth: '2px' },
  '.cm-gutters': { backgroundColor: 'var(--grey-1)', color: 'var(--grey-10)', border: 'none' },
  '.cm-lineNumbers .cm-gutterElement': { minWidth: '34px', padding: '0 2px 0 8px' },
  '.cm-foldGutter .cm-gutterElement': { width: '14px', color: 'var(--grey-9)', cursor: 'pointer' },
  '.cm-activeLine': { backgroundColor: 'color-mix(in srgb, var(--grey-3) 55%, transparent)' },
  '.cm-activeLineGutter': { backgroundColor: 'transparent', color: 'var(--grey-12)' },
  '&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground': {
    backgroundColor: 'light-dark(#cfdafc, #33427c)',
  },
  '.cm-selectionMatch': { backgroundColor: 'var(--warning-ground)' },
  '.cm-searchMatch': {
    backgroundColor: 'var(--warning-ground)',
    outline: '1px solid color-mix(in srgb, var(--warning-mark) 60%, transparent)',
  },
  '.cm-searchMatch-selected': {
    backgroundColor: 'var(--warning-ground)',
    outline: '2px solid var(--warning-mark)',
  },
  '.cm-matchingBracket, &.cm-focused .cm-matchingBracket': {
    backgroundColor: 'var(--grey-5)',
    outline: '1px solid var(--grey-8)',
    color: 'inherit',
  },
  '.cm-foldPlaceholder': {
    backgroundColor: 'var(--grey-3)',
    border: 'var(--hairline)',
    color: 'var(--grey-11)',
    padding: '0 6px',
    margin: '0 2px',
  },
  '.cm-tooltip': {
    backgroundColor: 'var(--grey-1)',
    border: '1px solid var(--grey-7)',
    borderRadius: 'var(--radius)',
    boxShadow: 'var(--shadow)',
    overflow: 'hidden',
  },
  '.cm-tooltip.cm-tooltip-autocomplete > ul': {
    fontFamily: 'var(--font-code)',
    fontSize: 'var(--code-size)',
    maxHeight: '16em',
  },
  '.cm-tooltip.cm-tooltip-autocomplete > ul > li': { padding: '3px 10px 3px 6px' },
  '.cm-tooltip-autocomplete ul li[aria-selected]': {
    backgroundColor: 'var(--accent-ground)',
    color: 'var(--grey-12)',
  },
  '.cm-completionMatchedText': { textDecoration: 'none', fontWeight: '700', color: 'var(--accent-ink)' },
  '.cm-completionDetail': { color: 'var(--grey-10)', fontStyle: 'normal' },
  '.cm-panels': { backgroundColor: 'var(--grey-2)', color: 'var(--grey-12)', border: 'none' },
  '.cm-panels-top': { borderBottom: 'var(--hairline)' },
  '.cm-panel.cm-search': { padding: '6px 32px 6px 10px', fontFamily: 'var(--font-text)' },
  '.cm-panel.cm-rename': { padding: '6px 32px 6px 10px', fontFamily: 'var(--font-text)' },
  '.cm-panel.cm-search label': { fontSize: 'var(--size-small)' },
  '.cm-textfield': {
    backgroundColor: 'var(--grey-1)',
    border: '1px solid var(--grey-8)',
    borderRadius: 'var(--radius-small)',
    padding: '3px 6px',
    fontSize: 'var(--size-small)',
  },
  '.cm-button': {
    backgroundImage: 'none',
    backgroundColor: 'var(--grey-1)',
    border: '1px solid var(--grey-7)',
    borderRadius: 'var(--radius-small)',
    padding: '3px 8px',
    fontSize: 'var(--size-small)',
  },
  // Marks of mistakes: a wave under the place, a sign at the line.
  '.cm-lintRange': {
    backgroundImage: 'none',
    textDecoration: 'underline wavy 1px',
    textUnderlineOffset: '3px',
  },
  '.cm-lintRange-error': { textDecorationColor: 'var(--bad-mark)' },
  '.cm-lintRange-warning': { textDecorationColor: 'var(--warning-mark)' },
  '.cm-lintRange-info, .cm-lintRange-hint': { textDecorationColor: 'var(--grey-9)' },
  '.cm-lintRange-active': { backgroundColor: 'var(--warning-ground)' },
  '.cm-gutter-lint': { width: '12px' },
  '.cm-gutter-lint .cm-gutterElement': { padding: '0' },
  '.cm-lint-marker': {
    content: 'none',
    width: '7px',
    height: '7px',
    margin: '0.45em 2px 0',
    borderRadius: '50%',
    backgroundColor: 'var(--grey-9)',
  },
  '.cm-lint-marker-error': { content: 'none', backgroundColor: 'var(--bad-mark)', borderRadius: '1px' },
  '.cm-lint-marker-warning': { content: 'none', backgroundColor: 'var(--warning-mark)' },
  '.cm-diagnostic': {
    padding: '4px 10px',
    borderLeft: '3px solid var(--grey-9)',
    fontFamily: 'var(--font-text)',
    fontSize: 'var(--size-small)',
    color: 'var(--grey-12)',
    whiteSpace: 'pre-wrap',
  },
  '.cm-tooltip .cm-diagnostic': { maxWidth: '60ch' },
  '.cm-diagnostic-error': { borderLeftColor: 'var(--bad-mark)' },
  '.cm-diagnostic-warning': { borderLeftColor: 'var(--warning-mark)' },
  '.cm-panel.cm-panel-lint ul [aria-selected]': { backgroundColor: 'var(--accent-ground)' },
  '.cm-panel.cm-panel-lint ul': { maxHeight: '9em' },
});

const rainbow = EditorView.baseTheme({
  '.rainbow-0': { color: 'var(--accent-ink)' },
  '.rainbow-1': { color: 'var(--warning-ink)' },
  '.rainbow-2': { color: 'var(--good-ink)' },
  '.rainbow-3': { color: 'var(--waiting-ink)' },
});

export const theme = [look, rainbow, syntaxHighlighting(highlight)];
