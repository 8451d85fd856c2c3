/** A shell of the session in the whole window. */

import '@rsparkhub/ui/styles.css';
import '@xterm/xterm/css/xterm.css';
import './style.css';

import { FitAddon } from '@xterm/addon-fit';
import { WebLinksAddon } from '@xterm/addon-web-links';
import { Terminal } from '@xterm/xterm';

import { Connection } from './connection.ts';
import { Notice, element } from './notice.ts';
import { isAnswer, type FromShell } from '@rsparkhub/ui/shell';
import { follow } from './theme.ts';

const READING = 'rspark-terminal-screen-reader';

const terminal = new Terminal({
  cursorBlink: !window.matchMedia('(prefers-reduced-motion: reduce)').matches,
  fontFamily: "'JetBrains Mono Variable', ui-monospace, 'DejaVu Sans Mono', monospace",
  fontSize: 14,
  minimumContrastRatio: 4.5,
  scrollback: 10_000,
  screenReaderMode: localStorage.getItem(READING) === 'on',
});
const fit = new FitAddon();
let replaying = false;

const connection = new Connection(hear, (situation) => {
  notice.show(situation);
  terminal.options.disableStdin = situation !== 'open' && situation !== 'connecting';
  if (situation === 'open') terminal.focus();
});
const notice = new Notice((situation) => {
  if (situation === 'ended') connection.startNew();
  else connection.again();
  terminal.focus();
});

function hear(message: FromShell): void {
  if (message.kind === 'setup') {
    // The server shows again what the shell showed, so that this page holds it once.
    terminal.reset();
    replaying = true;
  } else if (message.kind === 'output') {
    terminal.write(message.text, () => (replaying = false));
  }
}

terminal.onData((text) => {
  if (!(replaying && isAnswer(text))) connection.type(text);
});
terminal.onBinary((text) => connection.type(text));
terminal.onResize(({ rows, cols }) => connection.resize(rows, cols));
terminal.onTitleChange((title) => (document.title = title || 'Terminal'));
terminal.attachCustomKeyEventHandler((event) => {
  // F6 is how a keyboard leaves: the browser goes on to its next part. All other keys are the shell's.
  if (event.key === 'F6') return false;
  if (event.ctrlKey && event.shiftKey && event.code === 'KeyC' && terminal.hasSelection()) {
    if (event.type === 'keydown') void navigator.clipboard.writeText(terminal.getSelection());
    event.preventDefault();
    return false;
  }
  return true;
});

terminal.loadAddon(fit);
terminal.loadAddon(new WebLinksAddon());
follow((theme) => (terminal.options.theme = theme));

const reading = element('reading');
const showReading = (): void =>
  reading.setAttribute('aria-pressed', String(terminal.options.screenReaderMode === true));
reading.addEventListener('click', () => {
  terminal.options.screenReaderMode = !terminal.options.screenReaderMode;
  localStorage.setItem(READING, terminal.options.screenReaderMode ? 'on' : 'off');
  showReading();
  terminal.focus();
});
showReading();

async function begin(): Promise<void> {
  // xterm measures a letter when it opens, so the font has to be there.
  await Promise.allSettled([document.fonts.load("14px 'JetBrains Mono Variable'"), lead()]);
  terminal.open(element('terminal'));
  fit.fit();
  new ResizeObserver(() => fit.fit()).observe(element('terminal'));
  connection.start();
}

/** Ask where the hub is: in a session's own origin no path leads there. */
async function lead(): Promise<void> {
  const told = (await (await fetch('config.json')).json()) as { hub: string };
  notice.leadTo(told.hub);
}

void begin();
