/** Chunks in the editor: their ground, what runs them, and their output under them. */

import { EditorState, Prec, StateField, type Extension, type Range } from '@codemirror/state';
import { Decoration, EditorView, WidgetType, type DecorationSet } from '@codemirror/view';
import { mount, unmount } from 'svelte';
import ChunkBar from '../output/ChunkBar.svelte';
import ChunkOutput from '../output/ChunkOutput.svelte';
import { chunkName } from './actions.ts';
import { chunkAt, chunks } from './chunks.ts';
import { isMark, isNotebook } from './notebook.ts';

type Mounted = ReturnType<typeof mount>;

/** A Svelte component in the text. What it shows follows the state by itself, so that equal widgets are never drawn anew. */
class ComponentWidget extends WidgetType {
  private readonly mounted = new WeakMap<HTMLElement, Mounted>();

  constructor(
    private readonly kind: 'bar' | 'output',
    private readonly path: string,
    private readonly chunk: string,
    private readonly language: string,
  ) {
    super();
  }

  override eq(other: ComponentWidget): boolean {
    return (
      other.kind === this.kind &&
      other.path === this.path &&
      other.chunk === this.chunk &&
      other.language === this.language
    );
  }

  override toDOM(view: EditorView): HTMLElement {
    const dom = document.createElement('div');
    const { path, chunk, language } = this;
    dom.className = this.kind === 'bar' ? 'chunk-bar' : 'chunk-output';
    const mounted =
      this.kind === 'bar'
        ? mount(ChunkBar, {
            target: dom,
            props: { path, view, language, position: () => view.posAtDOM(dom) },
          })
        : mount(ChunkOutput, { target: dom, props: { path, chunk, changed: () => view.requestMeasure() } });
    this.mounted.set(dom, mounted);
    return dom;
  }

  override destroy(dom: HTMLElement): void {
    const mounted = this.mounted.get(dom);
    if (mounted) void unmount(mounted);
  }

  override ignoreEvent(): boolean {
    return true;
  }
}

const ground = Decoration.line({ class: 'chunk-line' });
const fence = Decoration.line({ class: 'chunk-line chunk-fence' });
const mark = Decoration.line({ class: 'cell-mark' });

function decorate(state: EditorState, path: string): DecorationSet {
  const found: Range<Decoration>[] = [];
  const all = chunks(state.doc.toString());
  for (const chunk of all) {
    const name = chunkName(all, chunk);
    for (let line = chunk.fence; line <= chunk.end && line < state.doc.lines; line += 1) {
      const { from, to } = state.doc.line(line + 1);
      found.push((line === chunk.fence || line === chunk.end ? fence : ground).range(from));
      if (line === chunk.fence)
        found.push(
          Decoration.widget({
            widget: new ComponentWidget('bar', path, name, chunk.language),
            side: 1,
          }).range(to),
        );
      if (line === chunk.end)
        found.push(
          Decoration.widget({
            widget: new ComponentWidget('output', path, name, chunk.language),
            side: 2,
            block: true,
          }).range(to),
        );
    }
  }
  if (isNotebook(path))
    for (let number = 1; number <= state.doc.lines; number += 1) {
      const { from, text } = state.doc.line(number);
      if (isMark(text) && !chunkAt(all, number - 1)) found.push(mark.range(from));
    }
  return Decoration.set(found, true);
}

const COMMENTS: Record<string, string> = { r: '#', python: '#', bash: '#', sh: '#', sql: '--' };

/** How a line of a chunk is commented: the grammars of its languages come later than the document, and than a person's keys. */
const comments = Prec.high(
  EditorState.languageData.of((state, at) => {
    const line = state.doc.lineAt(at).number - 1;
    const token = COMMENTS[chunkAt(chunks(state.doc.toString()), line)?.language.toLowerCase() ?? ''];
    return token === undefined ? [] : [{ commentTokens: { line: token } }];
  }),
);

/** Return what shows the chunks of a document. */
export function chunkView(path: string): Extension {
  const shown = StateField.define<DecorationSet>({
    create: (state) => decorate(state, path),
    update: (decorations, transaction) =>
      transaction.docChanged ? decorate(transaction.state, path) : decorations,
    provide: (field) => EditorView.decorations.from(field),
  });
  return [shown, comments];
}
