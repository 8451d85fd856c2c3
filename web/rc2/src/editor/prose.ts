/**
 * The words of a document that are prose: text of Markdown, and comments in code. The grammar of the document says which is which; what
 * pandoc, knitr and roxygen2 add to it is left out by its form.
 */

import type { Text } from '@codemirror/state';
import { NodeProp, type SyntaxNode, type Tree } from '@lezer/common';
import { hasChunks } from './chunks.ts';
import { languageOf } from './languages.ts';

export interface Word {
  /** The word with a plain apostrophe. */
  text: string;
  from: number;
  to: number;
}

/** A piece of a document that is read as prose, with spaces where it is none. */
interface Piece {
  from: number;
  text: string;
}

/** Characters of a paragraph or a line of comment that is read; longer ones are data. */
const LONGEST_PIECE = 10_000;
const LONGEST_WORD = 60;
/** Lines in which the head of a document ends, and a block of roxygen begins. */
const LONGEST_HEAD = 200;

const BLOCK = /^(?:Paragraph|Task|ATXHeading\d|SetextHeading\d|TableCell)$/;
/** Inner parts of text that are no prose. */
const INNER = new Set([
  'Autolink',
  'Comment',
  'Emoji',
  'EmphasisMark',
  'Entity',
  'HTMLTag',
  'InlineCode',
  'LinkLabel',
  'LinkTitle',
  'ProcessingInstruction',
  'StrikethroughMark',
  'SubscriptMark',
  'SuperscriptMark',
  'TaskMarker',
  'URL',
]);
const COMMENT = /^(?:comment|Comment)$/;
const COMMENTED = new Set(['r', 'python', 'bash']);

/** What is no prose by its form, in Markdown and in comments. */
const NO_PROSE = [
  /`[^`]+`/g,
  /\$\$[^]*?\$\$/g,
  /(?<![\\\w$])\$(?=\S)(?:[^$\\]|\\[^])*?(?<=\S)\$(?!\d)/g,
  /\\\([^]*?\\\)|\\\[[^]*?\\\]/g,
  /\\begin\{(\w+\*?)\}[^]*?\\end\{\1\}/g,
  /\\(?:code|link|linkS4class|pkg|url|href|email|eqn|deqn|cr|doi|figure|Sexpr|CRANpkg|cite\w*|ref|label)(?:\[[^\]]*\])?\{[^{}]*\}/g,
  /\{\{[^{}]*\}\}|\{[^{}]*\}/g, // attributes, and shortcodes
  /\\[A-Za-z]+/g,
  /\[\^[^\]\s]{1,100}\]/g,
  /(?<![\w+.-])[A-Za-z][a-z0-9+.-]*:\/\/\S+/g,
  /(?<![\w.+-])[\w.+-]+@[\w-]+(?:\.[\w-]+)+/g,
  /(?<![\w.:])[\w.:]+\([^()\n]*\)/g, // calls
  /(?<!\w)-?@[\w:.#$%&+?<>~/-]+/g, // citations
  /^[ \t]*:{3,}.*$/gm, // the fences of pandoc's divisions
] as const;

/** What is read: a document, and its tree as far as the grammar has read it. */
export interface Read {
  path: string;
  doc: Text;
  tree: Tree;
}

/** Return the words of a range that can be misspelt, in order. */
export function proseWords({ path, doc, tree }: Read, from: number, to: number): Word[] {
  const inMarkdown = hasChunks(path) || languageOf(path) === 'markdown';
  if (!inMarkdown && !COMMENTED.has(languageOf(path))) return [];
  const begin = inMarkdown ? headEnd(doc) : 0;
  const found: Piece[] = from < begin ? saidInHead(doc, from, Math.min(to, begin)) : [];
  tree.iterate({
    from,
    to,
    enter: (node) => {
      if (node.name !== 'Document' && node.to <= begin) return false;
      if (BLOCK.test(node.name) && node.from >= begin) {
        if (node.to - node.from <= LONGEST_PIECE) found.push(ofBlock(doc, node.node));
        return false;
      }
      if (COMMENT.test(node.name)) found.push(...ofComment(doc, node.from, node.to));
      const code = node.name === 'FencedCode' ? node.tree?.prop(NodeProp.mounted) : undefined;
      if (code?.overlay?.[0])
        found.push(...ofCode(doc, code.tree, node.from + code.overlay[0].from, from, to));
      return undefined;
    },
  });
  return found.flatMap(words);
}

/** Return the language that the head of a document names, such as `de-CH`; null where it names none. */
export function languageInHead(doc: Text): string | null {
  const head = doc.sliceString(0, headEnd(doc));
  return /^lang[ \t]*:[ \t]*["']?([A-Za-z]{2,3}(?:[-_][A-Za-z0-9]+)*)/m.exec(head)?.[1] ?? null;
}

/** Return where the head of a document ends, which is YAML; 0 where there is none. */
function headEnd(doc: Text): number {
  if (doc.line(1).text.trimEnd() !== '---') return 0;
  for (let number = 2; number <= Math.min(doc.lines, LONGEST_HEAD); number += 1) {
    const { text, to } = doc.line(number);
    if (/^(?:---|\.\.\.)\s*$/.test(text)) return to;
  }
  return 0;
}

const SAID = /^([ \t]*(?:title|subtitle|abstract|description)[ \t]*:[ \t]*)(.*)$/i;

function saidInHead(doc: Text, from: number, to: number): Piece[] {
  const found: Piece[] = [];
  for (let at = doc.lineAt(from); ; at = doc.line(at.number + 1)) {
    const [, key = '', said = ''] = SAID.exec(at.text) ?? [];
    if (said) found.push({ from: at.from + key.length, text: withoutForms(said) });
    if (at.to >= to) return found;
  }
}

function ofBlock(doc: Text, block: SyntaxNode): Piece {
  let text = doc.sliceString(block.from, block.to);
  block.cursor().iterate((node) => {
    if (!INNER.has(node.name)) return undefined;
    const [from, to] = [node.from - block.from, node.to - block.from];
    text = text.slice(0, from) + blank(text.slice(from, to)) + text.slice(to);
    return false;
  });
  return { from: block.from, text: withoutForms(text) };
}

const blank = (text: string): string => text.replace(/[^\n]/g, ' ');
const withoutForms = (text: string): string =>
  NO_PROSE.reduce((left, form) => left.replace(form, (all) => blank(all)), text);

/** Return the comments of code that has a tree of its own in a document, from a position on. */
function ofCode(doc: Text, tree: Tree, start: number, from: number, to: number): Piece[] {
  const found: Piece[] = [];
  tree.iterate({
    from: from - start,
    to: to - start,
    enter: (node) => {
      if (COMMENT.test(node.name)) found.push(...ofComment(doc, start + node.from, start + node.to));
    },
  });
  return found;
}

function ofComment(doc: Text, from: number, to: number): Piece[] {
  const found: Piece[] = [];
  for (let line = doc.lineAt(from); ; line = doc.line(line.number + 1)) {
    const begin = Math.max(from, line.from);
    const comment = doc.sliceString(begin, Math.min(to, line.to, begin + LONGEST_PIECE));
    const roxygen = /^#+'/.test(comment);
    const text = roxygen ? ofRoxygen(doc, line.number, comment) : comment;
    // `#|` is YAML, `#!` names a program.
    if (roxygen || (/^#(?![|!])/.test(text) && !isCode(text)))
      found.push({ from: begin, text: withoutForms(text) });
    if (line.to >= to) return found;
  }
}

/** Comments that speak to programs, and code that was taken out. */
const CODE = [
  /^#+\s*(?:noqa|nolint|type:|pylint:|fmt:|pragma:|mypy:|ruff:|isort:|yapf:|-\*-|%%)/,
  /<-|%>%|\|>|[=!]=|[{};]\s*$/,
  /^#+\s*[\w.:$]+\s*=(?!=)/,
  /^#+\s*[\w.:$]+[([].*[)\]]\s*$/,
  /^#+\s*(?:import|from)\s+[\w.]+(?:\s+(?:import|as)\b|\s*$)/,
];
const isCode = (comment: string): boolean => CODE.some((form) => form.test(comment));

const TAG = /^#+'\s*@(\w+)/;
/** Tags of roxygen2 whose first word is a name. */
const NAMING = /^#+'\s*@(?:param|slot|field|describeIn|prop)\s+\S+/;
/** Tags whose text is prose. All others have names or code. */
const PROSE = new Set([
  'author',
  'concept',
  'description',
  'describeIn',
  'details',
  'field',
  'format',
  'md',
  'note',
  'param',
  'prop',
  'references',
  'return',
  'returns',
  'section',
  'seealso',
  'slot',
  'source',
  'title',
]);

/** Return a line of roxygen2 with spaces where it is no prose. */
function ofRoxygen(doc: Text, number: number, comment: string): string {
  for (let at = number; at > Math.max(0, number - LONGEST_HEAD); at -= 1) {
    const above = doc.line(at).text.trimStart();
    if (!/^#+'/.test(above)) break;
    const tag = TAG.exec(above)?.[1];
    if (tag === undefined) continue;
    if (!PROSE.has(tag)) return blank(comment);
    break;
  }
  return comment.replace(NAMING, blank).replace(TAG, blank);
}

const TOKEN = /[\p{L}\p{N}_](?:[\p{L}\p{M}\p{N}_'’.:/\\@$=-]*[\p{L}\p{M}\p{N}_])?/gu;
/** A name and no word: with signs or digits inside. */
const NAME = /[\p{N}_@\\$=.:]/u;

function words({ from, text }: Piece): Word[] {
  const found: Word[] = [];
  for (const { 0: token, index } of text.matchAll(TOKEN)) {
    const after = text.slice(index + token.length, index + token.length + 2);
    // What is called is a name; `Ein-` in `Ein- und Ausgabe` is half a word.
    if (NAME.test(token) || /^(?:\(|-[\s,])/.test(after)) continue;
    for (const { 0: word, index: at } of token.matchAll(/[^-/]+/g)) {
      if (word.length < 2 || word.length > LONGEST_WORD || /\p{L}\p{Lu}/u.test(word)) continue;
      const begin = from + index + at;
      found.push({ text: word.replaceAll('’', "'"), from: begin, to: begin + word.length });
    }
  }
  return found;
}
