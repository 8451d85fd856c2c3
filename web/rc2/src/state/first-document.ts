/** Which document is open at first, in a browser that has not seen the session yet. */

/** Kinds of documents by what runs them, those with text before scripts. */
const KINDS: { language: string; name: RegExp }[] = [
  { language: 'r', name: /\.(rmd|qmd)$/i },
  { language: 'r', name: /\.r$/i },
  { language: 'python', name: /\.qmd$/i },
  { language: 'python', name: /\.py$/i },
];

/** Return the first of a folder's files that a session with kernels of these languages can run. */
export function firstRunnable(names: string[], languages: string[]): string | undefined {
  for (const { language, name } of KINDS) {
    const found = languages.includes(language) && names.find((one) => name.test(one));
    if (found) return found;
  }
  return undefined;
}
