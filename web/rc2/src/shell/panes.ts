/** The panes by their names; those that need much are loaded when they are first shown. */

import type { Component } from 'svelte';
import ConsolePane from '../panes/ConsolePane.svelte';
import EditorPane from '../panes/EditorPane.svelte';
import FilesPane from '../panes/FilesPane.svelte';
import PlotsPane from '../panes/PlotsPane.svelte';
import LazyPane from './LazyPane.svelte';
import TerminalPane from '../panes/TerminalPane.svelte';
import VariablesPane from '../panes/VariablesPane.svelte';

export const FIXED = {
  files: 'Files',
  outline: 'Outline',
  git: 'Git',
  search: 'Search',
  console: 'Console',
  jobs: 'Jobs',
  spark: 'Spark',
  variables: 'Variables',
  debugger: 'Debugger',
  connections: 'Connections',
  plots: 'Plots',
  help: 'Help',
  preview: 'Preview',
} as const;
export type Fixed = keyof typeof FIXED;

// eslint-disable-next-line @typescript-eslint/no-explicit-any -- each pane has properties of its own
type Pane = Component<any>;

/** Return a pane whose code is loaded when it is first shown. */
const lazy =
  (load: () => Promise<{ default: Pane }>): Pane =>
  (anchor, props) =>
    LazyPane(anchor, { load, props: props as object });

export const COMPONENTS: Record<string, Pane> = {
  files: FilesPane,
  outline: lazy(() => import('../panes/OutlinePane.svelte')),
  git: lazy(() => import('../panes/GitPane.svelte')),
  search: lazy(() => import('../panes/SearchPane.svelte')),
  diff: lazy(() => import('../panes/DiffPane.svelte')),
  console: ConsolePane,
  jobs: lazy(() => import('../panes/JobsPane.svelte')),
  spark: lazy(() => import('../panes/SparkPane.svelte')),
  variables: VariablesPane,
  debugger: lazy(() => import('../panes/DebuggerPane.svelte')),
  connections: lazy(() => import('../panes/ConnectionsPane.svelte')),
  plots: PlotsPane,
  help: lazy(() => import('../panes/HelpPane.svelte')),
  preview: lazy(() => import('../panes/PreviewPane.svelte')),
  document: EditorPane,
  sheet: lazy(() => import('../panes/SheetPane.svelte')),
  profile: lazy(() => import('../panes/ProfilePane.svelte')),
  terminal: TerminalPane,
};

export const isFixed = (id: string): id is Fixed => id in FIXED;
export const documentId = (path: string): string => `document:${path}`;
