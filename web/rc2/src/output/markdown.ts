/** Markdown with formulas, as HTML without anything that runs. What it needs is loaded when it is first used. */

const MATH = /\$\$([\s\S]+?)\$\$|(?<![\\$\w])\$(?![\s$])([^$\n]+?)(?<![\s\\])\$(?!\d)/g;

/** The attribute that a block of a text has: the line, from 0, in which it begins. */
export const LINE = 'data-line';

/** A formula that was put aside. */
const PUT = /\uE000(\d+)\uE001/g;

const lines = (text: string): number => text.split('\n').length - 1;

/** Return HTML of a text, each block of it with its line; `images` says where a picture is whose address is relative. */
export async function render(text: string, images?: (source: string) => string): Promise<string> {
  const [{ marked }, { default: purify }] = await Promise.all([import('marked'), import('dompurify')]);
  const formulas: { source: string; display: boolean }[] = [];
  // Formulas are put aside, since Markdown would take their signs for its own.
  const put = (code: string): string =>
    code.replace(MATH, (_whole, display: string | undefined, inline: string | undefined) => {
      formulas.push({ source: display ?? inline ?? '', display: display !== undefined });
      return `\uE000${formulas.length - 1}\uE001`;
    });
  const apart = text.split(/(^(?:```|~~~)[\s\S]*?^(?:```|~~~)[^\S\n]*$|`[^`\n]+`)/m);
  const prepared = apart.map((part, at) => (at % 2 ? part : put(part))).join('');
  let line = 0;
  const blocks = marked.lexer(prepared, { gfm: true }).map((token) => {
    const made = `<div ${LINE}="${line}">${marked.parser([token])}</div>`;
    line += lines(token.raw);
    for (const [, number] of token.raw.matchAll(PUT)) line += lines(formulas[Number(number)]?.source ?? '');
    return token.type === 'space' ? '' : made;
  });
  let html = purify.sanitize(blocks.join(''));
  if (formulas.length > 0) {
    const [{ default: katex }] = await Promise.all([import('katex'), import('katex/dist/katex.min.css')]);
    html = html.replace(PUT, (_whole, number: string) => {
      const formula = formulas[Number(number)];
      return formula
        ? katex.renderToString(formula.source, { displayMode: formula.display, throwOnError: false })
        : '';
    });
  }
  if (!images) return html;
  return html.replace(/(<img[^>]*\ssrc=")([^"]+)"/g, (whole, before: string, source: string) =>
    /^(?:[a-z]+:|\/)/i.test(source) ? whole : `${before}${images(source)}"`,
  );
}

/** Return the prose of a document as Markdown, line by line: its head of YAML and its chunks' options are not prose. */
export const prose = (text: string): string =>
  text
    .replace(/^---\n[\s\S]*?\n(?:---|\.\.\.)\n/, (head) => '\n'.repeat(lines(head)))
    .replace(/^```\{([\w.-]+)[^}\n]*\}/gm, '```$1');
