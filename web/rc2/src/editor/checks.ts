/** Marks of mistakes in an editor, and code brought into form: by the language servers of the session. */

import { diagnosticCount, lintGutter, setDiagnostics } from '@codemirror/lint';
import { LSPClient, hoverTooltips, serverDiagnostics, signatureHelp } from '@codemirror/lsp-client';
import { Compartment, StateEffect, Text, type Extension } from '@codemirror/state';
import { EditorView } from '@codemirror/view';
import { toasts } from '@rsparkhub/ui';
import purify from 'dompurify';
import { LanguageServerSocket, languageServers } from '../session/language-servers.ts';
import { applied, type TextEdit } from './edits.ts';

/** Milliseconds until a server that was lost is tried again; each time the next. */
const PAUSES = [1000, 5000, 15_000, 60_000] as const;
/** Milliseconds that a server lives before its end counts as the first again. */
const LIVES = 60_000;
/** Milliseconds that a server has for an answer. */
const PATIENCE = 30_000;

/** A language server that runs. Who uses it takes it, and lets it go. */
class Server {
  private static readonly running = new Map<string, Promise<Server>>();
  private readonly users = new Set<() => void>();
  private socket: LanguageServerSocket | null = null;

  private constructor(private readonly client: LSPClient) {}

  /** Return the server of this name, started where none runs; throws when it can't be. `ended` is called when it is lost. */
  static async take(name: string, ended: () => void): Promise<Server> {
    let starting = Server.running.get(name);
    if (!starting) {
      const started = Server.start(name, () => Server.forget(name, started));
      starting = started;
      Server.running.set(name, started);
    }
    const server = await starting;
    if (server.socket === null) throw new Error('The language server has ended. Try again.');
    server.users.add(ended);
    return server;
  }

  /** Let the next one be started anew. */
  private static forget(name: string, starting: Promise<Server>): void {
    if (Server.running.get(name) === starting) Server.running.delete(name);
  }

  private static async start(name: string, forget: () => void): Promise<Server> {
    const client = new LSPClient({
      timeout: PATIENCE,
      sanitizeHTML: (html) => purify.sanitize(html),
      notificationHandlers: {
        'window/showMessage': (_client, { type, message }: { type: number; message: string }) => {
          if (type <= 2) toasts.show(message, { meaning: 'warning' });
          return true;
        },
        'window/logMessage': () => true,
      },
      extensions: [serverDiagnostics(), hoverTooltips(), signatureHelp({ keymap: false })],
    });
    const server = new Server(client);
    try {
      const socket = await LanguageServerSocket.open(name, () => {
        forget();
        server.lost();
      });
      server.socket = socket;
      server.forget = forget;
      await socket.whileOpen(client.connect(socket).initializing);
      return server;
    } catch (problem) {
      forget();
      server.socket?.close();
      throw problem;
    }
  }

  private forget: () => void = () => undefined;

  private lost(): void {
    this.socket = null;
    this.client.disconnect();
    for (const tell of [...this.users]) tell();
    this.users.clear();
  }

  /** Let it go; with the last one it ends. */
  release(ended: () => void): void {
    if (!this.users.delete(ended) || this.users.size > 0) return;
    this.forget();
    this.socket?.close();
  }

  /** Return what marks mistakes in the editor of a file. */
  plugin(uri: string, language: string): Extension {
    return [lintGutter(), this.client.plugin(uri, language)];
  }

  /** Return whether it answers such questions. */
  can(capability: 'definitionProvider' | 'renameProvider'): boolean {
    return Boolean(this.client.serverCapabilities?.[capability]);
  }

  /** Return code in its form; throws what the server says when it has none. */
  async formed(uri: string, language: string, code: string): Promise<string> {
    const options = { tabSize: 2, insertSpaces: true }; // each server has its own rules, of its settings in files
    const edits = await this.ask<TextEdit[]>('textDocument/formatting', uri, language, code, { options });
    return applied(Text.of(code.split('\n')), edits ?? []);
  }

  /** Return what a server answers of a code; throws what it says where it can't. */
  async ask<T>(method: string, uri: string, language: string, code: string, more: object): Promise<T | null> {
    const { socket } = this;
    if (socket === null) throw new Error('The language server has ended. Try again.');
    const doc = Text.of(code.split('\n'));
    // A document of its own: a chunk is one as well, and what an editor types meanwhile does not change it.
    this.client.didOpen({ uri, languageId: language, version: 1, doc, getView: () => null });
    try {
      const asked = { textDocument: { uri }, ...more };
      return await socket.whileOpen(this.client.request<object, T | null>(method, asked));
    } finally {
      this.client.didClose(uri);
    }
  }
}

const nameFor = async (language: string): Promise<string | null> =>
  (await languageServers()).find(({ languages }) => languages.includes(language))?.name ?? null;

const marks = new Compartment();

interface Options {
  /** What the Language Server Protocol calls the language of the file. */
  spoken: string;
  /** Told how many mistakes are marked, whenever that changes. */
  counted: (count: number) => void;
}

/** Mark mistakes in an editor from now on, where a server knows its language; return what ends it. */
export function check(
  view: EditorView,
  uri: string,
  language: string,
  { spoken, counted }: Options,
): () => void {
  let over = false;
  const isOver = (): boolean => over; // it changes while others are waited for
  let failures = 0;
  let server: Server | null = null;
  let since = 0;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let before = -1;
  const counts = EditorView.updateListener.of(({ state }) => {
    const count = diagnosticCount(state);
    if (count === before) return;
    before = count;
    counted(count);
  });
  if (marks.get(view.state) === undefined)
    view.dispatch({ effects: StateEffect.appendConfig.of(marks.of([])) });

  const again = (): void => {
    const pause = PAUSES[Math.min(failures, PAUSES.length - 1)];
    failures += 1;
    timer = setTimeout(() => void begin(), pause);
  };
  const ended = (): void => {
    server = null;
    if (Date.now() - since > LIVES) failures = 0;
    if (over) return;
    unmark();
    again();
  };
  const unmark = (): void => {
    view.dispatch(setDiagnostics(view.state, []));
    view.dispatch({ effects: marks.reconfigure([]) });
  };
  const begin = async (): Promise<void> => {
    try {
      const name = await nameFor(language);
      if (name === null || isOver()) return;
      const taken = await Server.take(name, ended);
      if (isOver()) {
        taken.release(ended);
        return;
      }
      server = taken;
      since = Date.now();
      view.dispatch({ effects: marks.reconfigure([taken.plugin(uri, spoken), counts]) });
    } catch {
      if (!over) again(); // asleep or cut off: the page says so itself
    }
  };
  void begin();
  return () => {
    over = true;
    clearTimeout(timer);
    unmark();
    server?.release(ended);
  };
}

/** Return code in the form of its language; throws a sentence where that can't be. */
export async function formed(uri: string, language: string, spoken: string, code: string): Promise<string> {
  const name = await nameFor(language);
  if (name === null) throw new Error(`Nothing in this session reformats ${language || 'this file'}.`);
  return using(name, 'This code can’t be reformatted.', (server) => server.formed(uri, spoken, code));
}

/** A question about the name at a place of a code, and what only such a question has. */
export interface NameAsked {
  uri: string;
  language: string;
  /** What the Language Server Protocol calls the language. */
  spoken: string;
  code: string;
  position: { line: number; character: number };
}

/** Return where the name at a place gets its value; throws a sentence where that can't be said. */
export async function definition(asked: NameAsked): Promise<Location | null> {
  const found = await aboutName<Location | Location[]>(
    'definitionProvider',
    'textDocument/definition',
    asked,
    {},
  );
  return Array.isArray(found) ? (found[0] ?? null) : found;
}

/** Return the changes of the code by which a name is another one; throws a sentence where that can't be. */
export async function renamed(asked: NameAsked, newName: string): Promise<TextEdit[]> {
  const found = await aboutName<WorkspaceEdit>('renameProvider', 'textDocument/rename', asked, { newName });
  const edited = found?.documentChanges?.find(({ textDocument }) => textDocument.uri === asked.uri)?.edits;
  return edited ?? found?.changes?.[asked.uri] ?? [];
}

export interface Location {
  uri: string;
  range: TextEdit['range'];
}

interface WorkspaceEdit {
  changes?: Record<string, TextEdit[]>;
  documentChanges?: { textDocument: { uri: string }; edits: TextEdit[] }[];
}

async function aboutName<T>(
  capability: 'definitionProvider' | 'renameProvider',
  method: string,
  { uri, language, spoken, code, position }: NameAsked,
  more: object,
): Promise<T | null> {
  for (const { name, languages } of await languageServers()) {
    if (!languages.includes(language)) continue;
    const answered = await using(name, 'This name can’t be found.', async (server) =>
      server.can(capability)
        ? { found: await server.ask<T>(method, uri, spoken, code, { position, ...more }) }
        : null,
    );
    if (answered) return answered.found;
  }
  throw new Error(`Nothing in this session finds names in ${language}.`);
}

/** Return what a server answers, which is let go then; throws a sentence where there is none. */
async function using<T>(name: string, otherwise: string, ask: (server: Server) => Promise<T>): Promise<T> {
  const nothing = (): void => undefined;
  const server = await Server.take(name, nothing);
  try {
    return await ask(server);
  } catch (problem) {
    const said = (problem as { message?: unknown } | null)?.message;
    throw new Error(typeof said === 'string' ? said : otherwise, { cause: problem });
  } finally {
    server.release(nothing);
  }
}
