/** Help pages as HTML that runs nothing and looks like the page around it, and where their links lead. */

import type { HelpRequest } from '../protocol/messages.ts';

/** Return the body of a help page, cleaned. */
export async function clean(html: string): Promise<string> {
  const { default: purify } = await import('dompurify');
  return purify.sanitize(html, {
    FORBID_TAGS: ['style', 'link', 'script', 'form', 'input', 'button', 'img'],
    FORBID_ATTR: ['style', 'width', 'align'],
  });
}

/** Where a link of a help page leads: to other help, or to a topic's examples, which run in the console. */
export type HelpLink =
  { kind: 'help'; wanted: HelpRequest } | { kind: 'examples'; topic: string; package: string };

/** Return where a link in the help of a package leads; null for one that leads out of help. */
export function helpLink(href: string, fromPackage: string): HelpLink | null {
  if (/^[a-z][a-z0-9+.-]*:/i.test(href)) return null;
  const words = href
    .replace(/[#?].*$/, '')
    .split('/')
    .filter((word) => word !== '' && word !== '.' && word !== '..')
    .map((word) => decode(word));
  const name = words.pop();
  if (!name) return null;
  const folder = words.pop() ?? 'html';
  const from = words.pop() ?? fromPackage;
  if (folder === 'Example') return { kind: 'examples', topic: name, package: from };
  if (folder === 'doc') {
    const vignette = name.replace(/[.](html|pdf|Rmd|Rnw|R)$/i, '');
    if (vignette === 'index') return { kind: 'help', wanted: { package: from } };
    return { kind: 'help', wanted: { vignette, package: from } };
  }
  if (folder !== 'help' && folder !== 'html') return null;
  const topic = folder === 'html' ? name.replace(/[.]html$/, '') : name;
  if (topic === '00Index') return { kind: 'help', wanted: { package: from } };
  return { kind: 'help', wanted: { topic, package: from } };
}

function decode(word: string): string {
  try {
    return decodeURIComponent(word);
  } catch {
    return word; // it has a percent sign of its own
  }
}
