/** The editor's languages; each is loaded when a file of it is opened. */

import { LanguageDescription, LanguageSupport, StreamLanguage, foldService } from '@codemirror/language';
import type { Extension } from '@codemirror/state';

/** Fold from an open bracket at the end of a line to its partner: the grammar of R makes no tree. */
const foldBrackets = foldService.of((state, from, to) => {
  const line = state.sliceDoc(from, to);
  const open = /([{([])\s*(?:#.*)?$/.exec(line);
  if (!open) return null;
  let depth = 0;
  for (let number = state.doc.lineAt(from).number + 1; number <= state.doc.lines; number += 1) {
    const { text, from: start } = state.doc.line(number);
    if (depth === 0 && /^\s*[)\]}]/.test(text)) {
      const end = start + text.search(/[)\]}]/);
      return { from: from + open.index + 1, to: end };
    }
    for (const character of text.replace(/#.*$/, '').replace(/"[^"]*"|'[^']*'/g, ''))
      depth += '([{'.includes(character) ? 1 : ')]}'.includes(character) ? -1 : 0;
    if (depth < 0) return null;
  }
  return null;
});

/** Fold a section, `# Title ----`, up to the next one. */
const foldSections = foldService.of((state, from, to) => {
  if (!/^\s*#.*[-=#]{4,}\s*$/.test(state.sliceDoc(from, to))) return null;
  const first = state.doc.lineAt(from).number;
  for (let number = first + 1; number <= state.doc.lines; number += 1)
    if (/^\s*#.*[-=#]{4,}\s*$/.test(state.doc.line(number).text))
      return number > first + 1 ? { from: to, to: state.doc.line(number - 1).to } : null;
  return to < state.doc.length ? { from: to, to: state.doc.length } : null;
});

async function r(): Promise<LanguageSupport> {
  const { r: parser } = await import('@codemirror/legacy-modes/mode/r');
  const language = StreamLanguage.define({
    ...parser,
    languageData: {
      commentTokens: { line: '#' },
      closeBrackets: { brackets: ['(', '[', '{', "'", '"', '`'] },
      indentOnInput: /^\s*[})\]]$/,
    },
  });
  return new LanguageSupport(language, [foldBrackets, foldSections]);
}

async function shell(): Promise<LanguageSupport> {
  const { shell: parser } = await import('@codemirror/legacy-modes/mode/shell');
  return new LanguageSupport(StreamLanguage.define(parser));
}

async function yaml(): Promise<LanguageSupport> {
  const { yaml: parser } = await import('@codemirror/legacy-modes/mode/yaml');
  return new LanguageSupport(StreamLanguage.define(parser));
}

async function latex(): Promise<LanguageSupport> {
  const { stex } = await import('@codemirror/legacy-modes/mode/stex');
  return new LanguageSupport(StreamLanguage.define(stex));
}

async function javascript(json: boolean): Promise<LanguageSupport> {
  const modes = await import('@codemirror/legacy-modes/mode/javascript');
  return new LanguageSupport(StreamLanguage.define(json ? modes.json : modes.javascript));
}

const sql = async (): Promise<LanguageSupport> => (await import('@codemirror/lang-sql')).sql();
const python = async (): Promise<LanguageSupport> => (await import('@codemirror/lang-python')).python();

async function markdown(): Promise<LanguageSupport> {
  const [{ markdown: support, markdownLanguage }] = await Promise.all([import('@codemirror/lang-markdown')]);
  return support({
    base: markdownLanguage,
    // `{r, label}` is a language with options.
    codeLanguages: (info) => {
      const name = /^\{?\s*([\w+#-]+)/.exec(info)?.[1] ?? '';
      return LanguageDescription.matchLanguageName(described, name, false);
    },
  });
}

const described = [
  LanguageDescription.of({ name: 'r', extensions: ['R', 'r', 'Rprofile'], load: r }),
  LanguageDescription.of({ name: 'python', alias: ['py'], extensions: ['py', 'pyi'], load: python }),
  LanguageDescription.of({
    name: 'bash',
    alias: ['sh', 'shell', 'zsh'],
    extensions: ['sh', 'bash'],
    load: shell,
  }),
  LanguageDescription.of({ name: 'sql', extensions: ['sql'], load: sql }),
  LanguageDescription.of({
    name: 'markdown',
    alias: ['md'],
    extensions: ['md', 'markdown', 'Rmd', 'rmd', 'qmd', 'Rmarkdown'],
    load: markdown,
  }),
  LanguageDescription.of({ name: 'yaml', alias: ['yml'], extensions: ['yml', 'yaml'], load: yaml }),
  LanguageDescription.of({ name: 'latex', alias: ['tex'], extensions: ['tex', 'sty', 'cls'], load: latex }),
  LanguageDescription.of({
    name: 'json',
    extensions: ['json', 'ipynb', 'lock'],
    load: () => javascript(true),
  }),
  LanguageDescription.of({
    name: 'javascript',
    alias: ['js'],
    extensions: ['js', 'ts'],
    load: () => javascript(false),
  }),
];

/** Return the name of the language of a file, or `text`. */
export function languageOf(path: string): string {
  const name = path.split('/').at(-1) ?? path;
  if (/^\.?Rprofile$/.test(name)) return 'r';
  return LanguageDescription.matchFilename(described, name)?.name ?? 'text';
}

/** Return the editor's support of a language, by its name. */
export async function support(language: string): Promise<Extension> {
  const found = LanguageDescription.matchLanguageName(described, language, false);
  return found ? found.load() : [];
}
