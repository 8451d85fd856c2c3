/** Chunks of R Markdown and Quarto documents, and sections of scripts. */

export interface Chunk {
  /** The language as knitr names it: `r`, `python`, `bash`, `sql`, … */
  language: string;
  label: string | null;
  options: string;
  /** Lines, from 0: that of the opening fence, the first and the one after the last of the code, and that of the closing fence. */
  fence: number;
  from: number;
  to: number;
  end: number;
  code: string;
}

const OPEN = /^\s*(`{3,}|~{3,})\s*\{([A-Za-z][\w.+-]*)/;

/** Return what a chunk's first line says; null where it is none. It takes no longer than the line is long. */
function opening(line: string): { fence: string; language: string; options: string } | null {
  const whole = line.trimEnd();
  const head = whole.endsWith('}') ? OPEN.exec(whole) : null;
  if (!head) return null;
  const [{ length }, fence = '', language = ''] = head;
  const options = whole.slice(length, -1).trimStart().replace(/^,/, '').trimStart();
  return /[\r\u2028\u2029]/.test(options) ? null : { fence, language: language.toLowerCase(), options };
}

/** Return the chunks of a document that can be run. */
export function chunks(text: string): Chunk[] {
  const lines = text.split('\n');
  const found: Chunk[] = [];
  for (let line = 0; line < lines.length; line += 1) {
    const head = opening(lines[line] ?? '');
    if (!head) continue;
    const { fence, language, options } = head;
    const close = new RegExp(`^\\s*${fence[0] === '~' ? '~' : '`'}{${fence.length},}\\s*$`);
    let end = line + 1;
    while (end < lines.length && !close.test(lines[end] ?? '')) end += 1;
    const code = lines.slice(line + 1, end);
    found.push({
      language,
      label: label(options, code),
      options,
      fence: line,
      from: line + 1,
      to: end,
      end: Math.min(end, lines.length - 1),
      code: code.join('\n'),
    });
    line = end;
  }
  return found;
}

function label(options: string, code: string[]): string | null {
  const inHead = /^([^,=\s]+)\s*(?:,|$)/.exec(options)?.[1];
  if (inHead) return inHead;
  const named = /\blabel\s*=\s*["']?([^"',\s]+)/.exec(options)?.[1];
  if (named) return named;
  for (const line of code) {
    const option = /^\s*(?:#|--|\/\/)\|\s*label\s*:\s*["']?([^"']+?)["']?\s*$/.exec(line);
    if (option?.[1]) return option[1];
    if (!/^\s*(?:#|--|\/\/)\|/.test(line)) break;
  }
  return null;
}

/** Return the chunk that a line, from 0, is in. */
export const chunkAt = (all: Chunk[], line: number): Chunk | null =>
  all.find((chunk) => chunk.fence <= line && line <= chunk.end) ?? null;

/** Return whether a path is that of a document with chunks. */
export const hasChunks = (path: string): boolean => /\.(rmd|qmd|rmarkdown|ipynb)$/i.test(path);

export interface Heading {
  text: string;
  level: number;
  /** From 0. */
  line: number;
  kind: 'heading' | 'chunk' | 'function';
}

const firstLine = (code: string): string | null => /\S.{0,59}/.exec(code)?.[0].trimEnd() ?? null;

const SECTION = /^\s*(#+)'?\s*(.*?)\s*[-=#]{4,}\s*$/;
const R_FUNCTION = /^\s*([\p{L}.][\p{L}\p{N}._]*|`[^`]+`)\s*(?:<-|=)\s*(?:function\b|\\\()/u;
const PYTHON = /^(\s*)(?:async\s+)?(?:def|class)\s+([\p{L}_][\p{L}\p{N}_]*)/u;

/** Return what a document is made of: headings and chunks, or sections and functions. */
export function outline(path: string, text: string): Heading[] {
  const lines = text.split('\n');
  if (hasChunks(path) || /\.(md|markdown)$/i.test(path)) {
    const all = chunks(text);
    const labels = !/\.ipynb$/i.test(path); // those of a notebook are ids
    const headings: Heading[] = all.map((chunk, at) => ({
      text: (labels ? chunk.label : firstLine(chunk.code)) ?? `${chunk.language} chunk ${at + 1}`,
      level: 7,
      line: chunk.fence,
      kind: 'chunk',
    }));
    let fenced: string | null = null;
    lines.forEach((line, at) => {
      const fence = /^\s*(`{3,}|~{3,})/.exec(line)?.[1]?.[0] ?? null;
      if (fence) fenced = fenced === null ? fence : fenced === fence ? null : fenced;
      else if (fenced === null && !chunkAt(all, at)) {
        const heading = /^(#{1,6})\s+(.*?)\s*(?:\{[^}]*\})?\s*#*\s*$/.exec(line);
        if (heading?.[2])
          headings.push({ text: heading[2], level: heading[1]?.length ?? 1, line: at, kind: 'heading' });
      }
    });
    return headings.sort((one, other) => one.line - other.line);
  }
  const python = /\.py$/i.test(path);
  return lines.flatMap((line, at): Heading[] => {
    const section = SECTION.exec(line);
    if (section?.[2])
      return [{ text: section[2], level: section[1]?.length ?? 1, line: at, kind: 'heading' }];
    const named = python ? PYTHON.exec(line)?.[2] : R_FUNCTION.exec(line)?.[1];
    return named ? [{ text: named, level: 7, line: at, kind: 'function' }] : [];
  });
}
