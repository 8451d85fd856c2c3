/** The commands of the room, with the keys that people know from RStudio. */

import {
  addCursorAbove,
  addCursorBelow,
  copyLineDown,
  copyLineUp,
  deleteLine,
  moveLineDown,
  moveLineUp,
  toggleComment,
} from '@codemirror/commands';
import { foldAll, foldCode, unfoldAll, unfoldCode } from '@codemirror/language';
import type { EditorView } from '@codemirror/view';
import { insertChunk, insertSpaced } from '../editor/actions.ts';
import { hasChunks } from '../editor/chunks.ts';
import { isDocument, isScript } from '../state/jobs.svelte.ts';
import type { Step } from '../protocol/messages.ts';
import { settings } from '../state/settings.svelte.ts';
import type { workbench as Workbench } from '../workbench.svelte.ts';
import type { Command } from './registry.svelte.ts';
import { codeViewAtFocus } from './focus.ts';

/** What a person does where code waits. Where none waits, the keys mean what else they do. */
const STEPS: { id: string; title: string; keys: string[]; step: Step }[] = [
  { id: 'debug-next', title: 'Run the next statement', keys: ['F10'], step: 'next' },
  { id: 'debug-in', title: 'Step into the next call', keys: ['Shift+F4'], step: 'in' },
  { id: 'debug-finish', title: 'Finish the function or loop', keys: ['Shift+F6'], step: 'finish' },
  { id: 'debug-continue', title: 'Continue to the next breakpoint', keys: ['Shift+F5'], step: 'continue' },
  { id: 'debug-stop', title: 'Stop debugging', keys: ['Shift+F8'], step: 'stop' },
];

/** Add all commands to the registry. */
export function registerCommands(workbench: typeof Workbench): void {
  const focused = (): EditorView | null => codeViewAtFocus() ?? workbench.editor?.view ?? null;
  const edit =
    (what: (view: EditorView) => unknown): (() => void) =>
    () => {
      const view = focused();
      if (view) what(view);
    };
  const hasEditor = (): boolean => workbench.editor !== null;
  const busy = (): boolean => workbench.console?.state === 'busy' || workbench.console?.state === 'asking';
  const inChunks = (): boolean => hasChunks(workbench.documents.active ?? '');
  const isProse = (): boolean => isDocument(workbench.documents.active ?? '');
  const chunk = (which: 'this' | 'above' | 'all'): void => {
    const editor = workbench.editor;
    if (!editor) return;
    const { head } = editor.view.state.selection.main;
    workbench.runChunk(editor.path, editor.view, editor.view.state.doc.lineAt(head).number - 1, which);
  };
  const size = (by: number): void =>
    settings.set({ fontSize: Math.max(9, Math.min(28, settings.values.fontSize + by)) });

  const commands: Command[] = [
    // Run
    {
      id: 'run',
      title: 'Run the statement or selection',
      group: 'Run',
      keys: ['Ctrl+Enter'],
      place: 'editor',
      run: () => workbench.runAtCursor(),
    },
    {
      id: 'run-stay',
      title: 'Run the statement, and stay',
      group: 'Run',
      keys: ['Alt+Enter'],
      place: 'editor',
      run: () => workbench.runAtCursor(false),
    },
    {
      id: 'render',
      title: 'Render the document as the last time',
      group: 'Run',
      keys: ['Ctrl+Shift+K'],
      enabled: isProse,
      run: () => workbench.render(),
    },
    {
      id: 'render-html',
      title: 'Render to HTML',
      group: 'Run',
      enabled: isProse,
      run: () => workbench.render('html'),
    },
    {
      id: 'render-docx',
      title: 'Render to Word',
      group: 'Run',
      enabled: isProse,
      run: () => workbench.render('docx'),
    },
    {
      id: 'render-pdf',
      title: 'Render to PDF',
      group: 'Run',
      enabled: isProse,
      run: () => workbench.render('pdf'),
    },
    {
      id: 'preview',
      title: 'Preview what is typed',
      group: 'Run',
      enabled: isProse,
      run: () => {
        workbench.preview = null;
        workbench.panes?.show('preview');
      },
    },
    {
      id: 'run-file',
      title: 'Run the whole file',
      group: 'Run',
      keys: ['Ctrl+Alt+R'],
      enabled: hasEditor,
      run: () => workbench.runFile(),
    },
    {
      id: 'source',
      title: 'Source the file',
      group: 'Run',
      keys: ['Ctrl+Shift+S', 'Ctrl+Shift+Enter'],
      enabled: () => hasEditor() && !inChunks(),
      run: () => workbench.runFile(),
    },
    {
      id: 'reformat',
      title: 'Reformat the file, or the chunk',
      group: 'Edit',
      keys: ['Ctrl+Shift+A'],
      enabled: hasEditor,
      run: () => workbench.reformat(),
    },
    {
      id: 'definition',
      title: 'Go to where the name gets its value',
      group: 'Edit',
      keys: ['F2'],
      enabled: hasEditor,
      run: () => workbench.goToDefinition(),
    },
    {
      id: 'rename',
      title: 'Rename the variable at the cursor',
      group: 'Edit',
      keys: ['Ctrl+Alt+Shift+M'],
      enabled: hasEditor,
      run: () => workbench.rename(),
    },
    {
      id: 'next-misspelt',
      title: 'Go to the next misspelt word',
      group: 'Edit',
      keys: ['F7'],
      enabled: hasEditor,
      run: async () => {
        const { nextMisspelt } = await import('../editor/spelling.ts');
        if (workbench.editor) await nextMisspelt(workbench.editor.view);
      },
    },
    {
      id: 'next-problem',
      title: 'Go to the next mistake',
      group: 'Edit',
      keys: ['F8'],
      enabled: hasEditor,
      run: edit((view) => workbench.checks.next(view)),
    },
    {
      id: 'problems',
      title: 'List the mistakes of the file',
      group: 'Edit',
      keys: ['Ctrl+Alt+Shift+D'],
      enabled: hasEditor,
      run: edit((view) => workbench.checks.list(view)),
    },
    {
      id: 'run-job',
      title: 'Run the file as a background job',
      group: 'Run',
      keys: ['Ctrl+Alt+Shift+R'],
      enabled: () => isScript(workbench.documents.active ?? ''),
      run: async () => {
        if ((await workbench.startJob()) !== null) workbench.panes?.show('jobs');
      },
    },
    {
      id: 'profile',
      title: 'Profile the selection',
      group: 'Run',
      keys: ['Ctrl+Alt+Shift+P'],
      enabled: hasEditor,
      run: () => workbench.profileAtCursor(),
    },
    {
      id: 'run-chunk',
      title: 'Run this chunk',
      group: 'Run',
      keys: ['Ctrl+Shift+Enter', 'Ctrl+Alt+C'],
      enabled: inChunks,
      run: () => chunk('this'),
    },
    {
      id: 'run-above',
      title: 'Run all chunks above',
      group: 'Run',
      keys: ['Ctrl+Alt+P'],
      enabled: inChunks,
      run: () => chunk('above'),
    },
    {
      id: 'run-to-cursor',
      title: 'Run from the beginning to the cursor',
      group: 'Run',
      keys: ['Ctrl+Alt+B'],
      enabled: hasEditor,
      run: () => workbench.runToCursor(),
    },
    {
      id: 'interrupt',
      title: 'Interrupt',
      group: 'Run',
      keys: ['Esc'],
      place: 'console',
      enabled: busy,
      run: () => workbench.interrupt(),
    },
    {
      id: 'stop',
      title: 'Interrupt from anywhere',
      group: 'Run',
      keys: ['Ctrl+Alt+.'],
      enabled: busy,
      run: () => workbench.interrupt(),
    },
    {
      id: 'restart',
      title: 'Restart the console',
      group: 'Run',
      keys: ['Ctrl+Shift+F10'],
      run: () => workbench.restart(),
    },

    // Debug
    {
      id: 'breakpoint',
      title: 'Set or remove a breakpoint',
      group: 'Debug',
      keys: ['Shift+F9', 'F9'],
      enabled: hasEditor,
      run: () => workbench.toggleBreakpoint(),
    },
    ...STEPS.map(({ id, title, keys, step }) => ({
      id,
      title,
      group: 'Debug' as const,
      keys,
      enabled: () => workbench.debug.ready(workbench.console?.id),
      run: () => workbench.step(step),
    })),
    {
      id: 'break-on-error',
      title: 'Stop where an error happens, or not',
      group: 'Debug',
      run: () => workbench.breakOnError(!workbench.debug.breakOnError),
    },

    // Edit
    {
      id: 'assign',
      title: 'Insert the assignment <-',
      group: 'Edit',
      keys: ['Alt+-'],
      place: 'code',
      run: edit((view) => insertSpaced(view, '<-')),
    },
    {
      id: 'pipe',
      title: 'Insert the pipe |>',
      group: 'Edit',
      keys: ['Ctrl+Shift+M'],
      place: 'code',
      run: edit((view) => insertSpaced(view, '|>')),
    },
    {
      id: 'insert-chunk',
      title: 'Insert a chunk',
      group: 'Edit',
      keys: ['Ctrl+Alt+I'],
      enabled: inChunks,
      run: edit((view) => insertChunk(view, workbench.documents.current?.notebook?.language ?? 'r')),
    },
    {
      id: 'comment',
      title: 'Comment or uncomment lines',
      group: 'Edit',
      keys: ['Ctrl+Shift+C', 'Ctrl+/'],
      place: 'code',
      run: edit(toggleComment),
    },
    {
      id: 'find',
      title: 'Find and replace',
      group: 'Edit',
      keys: ['Ctrl+F'],
      place: 'editor',
      run: edit(async (view) => (await import('@codemirror/search')).openSearchPanel(view)),
    },
    {
      id: 'find-in-files',
      title: 'Find in files',
      group: 'Edit',
      keys: ['Ctrl+Shift+F'],
      run: () => workbench.searchInFiles(),
    },
    {
      id: 'replace-in-files',
      title: 'Replace in files',
      group: 'Edit',
      keys: ['Ctrl+Shift+H'],
      run: () => workbench.searchInFiles({ replacing: true }),
    },
    {
      id: 'delete-line',
      title: 'Delete the line',
      group: 'Edit',
      keys: ['Ctrl+D'],
      place: 'editor',
      run: edit(deleteLine),
    },
    {
      id: 'line-up',
      title: 'Move the line up',
      group: 'Edit',
      keys: ['Alt+Up'],
      place: 'editor',
      run: edit(moveLineUp),
    },
    {
      id: 'line-down',
      title: 'Move the line down',
      group: 'Edit',
      keys: ['Alt+Down'],
      place: 'editor',
      run: edit(moveLineDown),
    },
    {
      id: 'copy-up',
      title: 'Copy the line up',
      group: 'Edit',
      keys: ['Alt+Shift+Up'],
      place: 'editor',
      run: edit(copyLineUp),
    },
    {
      id: 'copy-down',
      title: 'Copy the line down',
      group: 'Edit',
      keys: ['Alt+Shift+Down'],
      place: 'editor',
      run: edit(copyLineDown),
    },
    {
      id: 'cursor-up',
      title: 'Add a cursor above',
      group: 'Edit',
      keys: ['Ctrl+Alt+Up'],
      place: 'editor',
      run: edit(addCursorAbove),
    },
    {
      id: 'cursor-down',
      title: 'Add a cursor below',
      group: 'Edit',
      keys: ['Ctrl+Alt+Down'],
      place: 'editor',
      run: edit(addCursorBelow),
    },
    {
      id: 'next-same',
      title: 'Select the next same text',
      group: 'Edit',
      keys: ['Ctrl+Shift+Alt+E'],
      place: 'editor',
      run: edit(async (view) => (await import('@codemirror/search')).selectNextOccurrence(view)),
    },
    { id: 'fold', title: 'Fold', group: 'Edit', keys: ['Alt+L'], place: 'editor', run: edit(foldCode) },
    {
      id: 'unfold',
      title: 'Unfold',
      group: 'Edit',
      keys: ['Alt+Shift+L'],
      place: 'editor',
      run: edit(unfoldCode),
    },
    {
      id: 'fold-all',
      title: 'Fold all',
      group: 'Edit',
      keys: ['Alt+O'],
      place: 'editor',
      run: edit(foldAll),
    },
    {
      id: 'unfold-all',
      title: 'Unfold all',
      group: 'Edit',
      keys: ['Alt+Shift+O'],
      place: 'editor',
      run: edit(unfoldAll),
    },

    // Files
    {
      id: 'save',
      title: 'Save',
      group: 'Files',
      keys: ['Ctrl+S'],
      enabled: hasEditor,
      run: () => workbench.documents.current?.save(),
    },
    {
      id: 'save-all',
      title: 'Save all',
      group: 'Files',
      keys: ['Ctrl+Alt+S'],
      run: () => [...workbench.documents.open.values()].filter(({ dirty }) => dirty).map((one) => one.save()),
    },
    {
      id: 'open-file',
      title: 'Go to a file…',
      group: 'Files',
      keys: ['Ctrl+P', 'Ctrl+.'],
      run: () => (workbench.dialog = 'files'),
    },
    {
      id: 'close-file',
      title: 'Close the file',
      group: 'Files',
      keys: ['Ctrl+Alt+W'],
      enabled: hasEditor,
      run: () => workbench.panes?.closeDocument(workbench.documents.active ?? ''),
    },

    // Console
    {
      id: 'history',
      title: 'Search the history…',
      group: 'Console',
      keys: ['Ctrl+R'],
      run: () => (workbench.dialog = 'history'),
    },
    {
      id: 'clear',
      title: 'Clear the transcript',
      group: 'Console',
      keys: ['Ctrl+L'],
      place: 'code',
      run: () => workbench.console?.clear(),
    },
    {
      id: 'help-at-cursor',
      title: 'Help on the name at the cursor',
      group: 'Console',
      keys: ['F1'],
      place: 'code',
      run: edit((view) => {
        const word = view.state.wordAt(view.state.selection.main.head);
        if (!word) return;
        const line = view.state.doc.lineAt(word.from);
        const around = line.text.slice(0, word.to - line.from);
        const name = /(?:([\w.]+):::?)?([\w.]+)$/.exec(around);
        if (name?.[2]) workbench.showHelp({ topic: name[2], package: name[1] ?? '' });
      }),
    },

    // Panes
    {
      id: 'focus-editor',
      title: 'Go to the editor',
      group: 'Panes',
      keys: ['Ctrl+1'],
      run: () => workbench.panes?.focus('editor'),
    },
    {
      id: 'focus-console',
      title: 'Go to the console',
      group: 'Panes',
      keys: ['Ctrl+2'],
      run: () => workbench.panes?.focus('console'),
    },
    {
      id: 'focus-help',
      title: 'Go to the help',
      group: 'Panes',
      keys: ['Ctrl+3'],
      run: () => workbench.panes?.focus('help'),
    },
    {
      id: 'focus-variables',
      title: 'Go to the variables',
      group: 'Panes',
      keys: ['Ctrl+8'],
      run: () => workbench.panes?.focus('variables'),
    },
    {
      id: 'focus-connections',
      title: 'Go to the connections: databases, Spark, tables',
      group: 'Panes',
      keys: ['Alt+Shift+D'],
      run: () => workbench.panes?.focus('connections'),
    },
    {
      id: 'focus-debugger',
      title: 'Go to the debugger',
      group: 'Panes',
      keys: ['Alt+Shift+B'],
      run: () => workbench.panes?.focus('debugger'),
    },
    {
      id: 'focus-files',
      title: 'Go to the files',
      group: 'Panes',
      keys: ['Ctrl+5'],
      run: () => workbench.panes?.focus('files'),
    },
    {
      id: 'focus-plots',
      title: 'Go to the plots',
      group: 'Panes',
      keys: ['Ctrl+6'],
      run: () => workbench.panes?.focus('plots'),
    },
    {
      id: 'focus-jobs',
      title: 'Go to the jobs',
      group: 'Panes',
      keys: ['Alt+Shift+J'],
      run: () => workbench.panes?.focus('jobs'),
    },
    {
      id: 'focus-spark',
      title: 'Go to the jobs of Spark',
      group: 'Panes',
      keys: ['Alt+Shift+S'],
      run: () => workbench.panes?.focus('spark'),
    },
    {
      id: 'cancel-spark',
      title: 'Cancel all jobs of Spark',
      group: 'Run',
      enabled: () => workbench.spark.running.length > 0,
      run: () => workbench.spark.running.forEach((job) => workbench.cancelSpark(job)),
    },
    {
      id: 'focus-outline',
      title: 'Go to the outline',
      group: 'Panes',
      keys: ['Ctrl+Shift+O'],
      run: () => workbench.panes?.focus('outline'),
    },
    {
      id: 'focus-git',
      title: 'Go to Git',
      group: 'Panes',
      keys: ['Ctrl+Shift+G'],
      run: () => workbench.panes?.focus('git'),
    },
    {
      id: 'focus-preview',
      title: 'Go to the preview',
      group: 'Panes',
      keys: ['Ctrl+9'],
      run: () => workbench.panes?.focus('preview'),
    },
    {
      id: 'next-pane',
      title: 'Go to the next pane',
      group: 'Panes',
      keys: ['F6'],
      run: () => workbench.panes?.step('pane', 1),
    },
    {
      id: 'previous-pane',
      title: 'Go to the pane before',
      group: 'Panes',
      keys: ['Shift+F6'],
      run: () => workbench.panes?.step('pane', -1),
    },
    {
      id: 'next-tab',
      title: 'Go to the next tab',
      group: 'Panes',
      keys: ['Ctrl+F12', 'Ctrl+Alt+Right'],
      run: () => workbench.panes?.step('tab', 1),
    },
    {
      id: 'previous-tab',
      title: 'Go to the tab before',
      group: 'Panes',
      keys: ['Ctrl+F11', 'Ctrl+Alt+Left'],
      run: () => workbench.panes?.step('tab', -1),
    },
    {
      id: 'terminal',
      title: 'New terminal',
      group: 'Panes',
      keys: ['Alt+Shift+R'],
      run: () => workbench.panes?.openTerminal(),
    },
    {
      id: 'toggle-left',
      title: 'Show or hide the left side',
      group: 'Panes',
      keys: ['Ctrl+B'],
      run: () => workbench.panes?.toggle('left'),
    },
    {
      id: 'toggle-bottom',
      title: 'Show or hide the console',
      group: 'Panes',
      keys: ['Ctrl+J'],
      run: () => workbench.panes?.toggle('bottom'),
    },
    {
      id: 'toggle-right',
      title: 'Show or hide the right side',
      group: 'Panes',
      keys: ['Ctrl+Alt+J'],
      run: () => workbench.panes?.toggle('right'),
    },
    {
      id: 'maximize',
      title: 'Make this pane large, or small again',
      group: 'Panes',
      keys: ['Ctrl+Shift+0', 'Ctrl+Alt+Enter'],
      run: () => workbench.panes?.maximize(),
    },
    {
      id: 'split',
      title: 'Split the editor',
      group: 'Panes',
      keys: ['Ctrl+Alt+\\'],
      enabled: hasEditor,
      run: () => workbench.panes?.split(),
    },
    {
      id: 'reset',
      title: 'Put the panes back as they were at first',
      group: 'Panes',
      run: () => workbench.panes?.reset(),
    },

    // View
    {
      id: 'palette',
      title: 'Show all commands',
      group: 'View',
      keys: ['Ctrl+Shift+P'],
      run: () => (workbench.dialog = 'palette'),
    },
    {
      id: 'keys',
      title: 'Keys…',
      group: 'View',
      keys: ['Alt+Shift+K'],
      run: () => (workbench.dialog = 'keys'),
    },
    {
      id: 'settings',
      title: 'Settings…',
      group: 'View',
      keys: ['Ctrl+,'],
      run: () => (workbench.dialog = 'settings'),
    },
    { id: 'larger', title: 'Larger code', group: 'View', keys: ['Ctrl+Alt+='], run: () => size(1) },
    { id: 'smaller', title: 'Smaller code', group: 'View', keys: ['Ctrl+Alt+-'], run: () => size(-1) },
    {
      id: 'theme',
      title: 'Light or dark',
      group: 'View',
      run: () => {
        const dark = window.matchMedia('(prefers-color-scheme: dark)').matches;
        const now = settings.values.theme === 'system' ? (dark ? 'dark' : 'light') : settings.values.theme;
        settings.set({ theme: now === 'dark' ? 'light' : 'dark' });
      },
    },
    {
      id: 'contrast',
      title: 'High contrast',
      group: 'View',
      run: () => settings.set({ contrast: settings.values.contrast === 'high' ? 'normal' : 'high' }),
    },
  ];
  workbench.registry.add(...commands);
}
