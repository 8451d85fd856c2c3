import { ensureSyntaxTree } from '@codemirror/language';
import { EditorState, Text } from '@codemirror/state';
import { Tree } from '@lezer/common';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { languageOf, support } from './languages.ts';
import { languageInHead, proseWords, type Read } from './prose.ts';

vi.setConfig({ testTimeout: 60_000 }); // grammars are loaded and read

// What is loaded already is read at once, as in an editor a moment later.
beforeAll(() => Promise.all(['markdown', 'r', 'python', 'bash'].map(support)), 60_000);

async function read(path: string, text: string): Promise<Read> {
  const language = path.endsWith('.ipynb') ? 'markdown' : languageOf(path);
  const state = EditorState.create({ doc: text, extensions: await support(language) });
  return { path, doc: state.doc, tree: ensureSyntaxTree(state, text.length, 10_000) ?? Tree.empty };
}

async function words(path: string, text: string): Promise<string[]> {
  const found = proseWords(await read(path, text), 0, text.length);
  for (const { text: word, from, to } of found) expect(text.slice(from, to).replaceAll('’', "'")).toBe(word);
  return found.map(({ text: word }) => word);
}

const split = (expected: string): string[] => expected.split(' ');

describe('the words of a document', () => {
  it('are its prose, without code, maths, links and names', async () => {
    const text = `---
title: "A titel of mine"
output: html_dokument
lang: de
---

# A heding {#sec-one .klass}

Some \`inlin code\`, $x_{maths}$ and $$
\\alpha beta
$$ with [a link](https://exampel.org/pathh "hintt") to <https://exampel.org>, @citaton2020, [-@citatonn] and [^footnoote].
It isn’t snake_case, read.csv, camelCase, mean(), mean(xyzz), NASA or x2: well-knowne **bo**ld _words_ of https://exampel.com/xyzz.
<!-- cell code abzz -->
::: {.callout-note}
Notice: \\textbf{boldd} 5 % of and/orr a&nbsp;b, {{< includde x >}} mail@exampel.com
:::

\\begin{align}
alignn
\\end{align}

- [ ] a taske
  > quotted

| Collumn | \`codde\` |
|---------|---------|
| a celll | x       |

    indentedd code

\`\`\`{r chunklabel}
#| label: fig-xyzz
valu <- "# no comentt" # a comentt here
# valu <- 1
\`\`\`

\`\`\`{python}
valu = """
# no comentt
""" # pythonn comment
\`\`\`

\`\`\`text
plainn
\`\`\`
Costs $5 and $6 here. Ein- und Ausgabe.

[refd]: https://exampel.org
[^footnoote]: The texte of it.
`;
    expect(await words('a.qmd', text)).toEqual(
      split(
        "titel of mine heding Some and with link to and It isn't or well knowne bo ld words of Notice of and orr taske quotted " +
          'Collumn celll comentt here pythonn comment Costs and here und Ausgabe The texte of it',
      ),
    );
  });

  it('are the text of a notebook', async () => {
    expect(
      await words(
        'a.ipynb',
        '<!-- cell abzz -->\n# Titel\n\nA `codde` sentense.\n\n```{python, abcd}\nx = 1 # notte\n```\n',
      ),
    ).toEqual(split('Titel sentense notte'));
  });

  it('are the comments of a script, without tags, code and what speaks to programs', async () => {
    const text = `#' Meen of x
#'
#' @param xyzz the valu of [meann()] or \\code{meann}
#' @importFrom statts meann
#' @return A numbr, see \`codde\`
#' @examples
#' examplle of code
#' @export
f("# no") # sayed "so"
r"(# no comentt)"
# valu <- 1
# libary(dplyr)
# x = funktion
# nolint: objekt_name
#| fig-cap: no
# A sentense (with brakets)
`;
    expect(await words('a.R', text)).toEqual(
      split('Meen of the valu of or numbr see sayed so sentense with brakets'),
    );
    expect(
      await words(
        'a.py',
        '#!/usr/bin/env pythonn\nx = """\n# stringg\n"""  # a coment\n# noqa: Xabc\n# import numpi as np\n',
      ),
    ).toEqual(['coment']);
    expect(await words('a.sh', 'echo "# noo" # sayed\n')).toEqual(['sayed']);
    expect(await words('a.csv', '# wrod')).toEqual([]);
    expect(await words('a.yml', 'a: 1 # wrod')).toEqual([]);
  });

  it('are those of what is asked for alone', async () => {
    const text = `First parragraph.\n\n${'Midle of it.\n\n'.repeat(500)}Last parragraph.\n`;
    const whole = await read('a.md', text);
    const [from, to] = [text.indexOf('Midle'), text.indexOf('Midle') + 20];
    expect(proseWords(whole, from, to).map((word) => word.text)).toEqual(split('Midle of it Midle of it'));
    expect(proseWords(whole, text.length - 10, text.length).map((word) => word.text)).toEqual(
      split('Last parragraph'),
    );
  });

  it('are none where a paragraph is so long that it is data', async () => {
    expect(await words('a.md', `${'wrod '.repeat(3000)}\n\nA sentense.\n`)).toEqual(['sentense']);
  });
});

it('the language of a document is in its head', () => {
  const named = (text: string): string | null => languageInHead(Text.of(text.split('\n')));
  expect(named('---\ntitle: x\nlang: de-CH\n---\n')).toBe('de-CH');
  expect(named('---\nlang: "en_GB"\n---\n')).toBe('en_GB');
  expect(named('lang: de')).toBeNull();
  expect(named('---\ntitle: x\n---\nlang: de\n')).toBeNull();
  expect(named('')).toBeNull();
});
