/** Snippets, offered with the completions: a word, Tab, and what is to be filled in is selected. */

import { snippetCompletion, type Completion } from '@codemirror/autocomplete';

const R: [name: string, detail: string, body: string][] = [
  ['fun', 'function', '${name} <- function(${arguments}) {\n  ${body}\n}'],
  ['if', 'if', 'if (${condition}) {\n  ${}\n}'],
  ['el', 'else', 'else {\n  ${}\n}'],
  ['ei', 'else if', 'else if (${condition}) {\n  ${}\n}'],
  ['for', 'for loop', 'for (${i} in ${seq_along(x)}) {\n  ${}\n}'],
  ['while', 'while loop', 'while (${condition}) {\n  ${}\n}'],
  ['lib', 'library', 'library(${package})'],
  ['apply', 'vapply', 'vapply(${x}, function(${one}) ${one}, ${numeric(1)})'],
  ['try', 'tryCatch', 'tryCatch(\n  ${expression},\n  error = function(problem) ${NULL}\n)'],
  ['gg', 'ggplot', 'ggplot(${data}, aes(${x}, ${y})) +\n  geom_${point}()'],
  ['test', 'test_that', 'test_that("${it works}", {\n  expect_${equal}(${}, ${})\n})'],
];
const PYTHON: typeof R = [
  ['def', 'function', 'def ${name}(${arguments}):\n    ${pass}'],
  ['for', 'for loop', 'for ${item} in ${items}:\n    ${pass}'],
  ['class', 'class', 'class ${Name}:\n    def __init__(self${}):\n        ${pass}'],
];

const make = (all: typeof R): Completion[] =>
  all.map(([label, detail, body]) => snippetCompletion(body, { label, detail, type: 'keyword', boost: -1 }));

export const snippets: Record<string, Completion[]> = { r: make(R), python: make(PYTHON) };
