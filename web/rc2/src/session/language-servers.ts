/** The language servers of the session, and the way to one. */

import type { Transport } from '@codemirror/lsp-client';
import type { components } from '../protocol/types.ts';
import { requestJson, socketAddress } from './base.ts';

export type LanguageServer = components['schemas']['LanguageServer'];

const PATH = 'rc2/api/language-servers';

let asked: Promise<LanguageServer[]> | null = null;

/** Return the language servers that there are. They are asked for once; a question without an answer is asked again. */
export function languageServers(): Promise<LanguageServer[]> {
  asked ??= requestJson<components['schemas']['LanguageServers']>(PATH).then(({ servers }) => servers);
  asked.catch(() => (asked = null));
  return asked;
}

/** A connection to a language server, which ends with it. */
export class LanguageServerSocket implements Transport {
  private readonly handlers = new Set<(message: string) => void>();
  private readonly closed: Promise<never>;

  private constructor(
    private readonly socket: WebSocket,
    ended: () => void,
  ) {
    socket.addEventListener('message', ({ data }: MessageEvent<string>) => {
      for (const handler of this.handlers) handler(data);
    });
    this.closed = new Promise((_resolve, reject) => {
      socket.addEventListener('close', () => {
        reject(new Error('The session can’t be reached. Try again soon.'));
        ended();
      });
    });
    this.closed.catch(() => undefined); // nobody may be waiting
  }

  /** Connect; throws when there is no connection. `ended` is called when one that was there has closed. */
  static open(name: string, ended: () => void): Promise<LanguageServerSocket> {
    const socket = new WebSocket(socketAddress(`${PATH}/${name}`));
    return new Promise((resolve, reject) => {
      socket.addEventListener('open', () => resolve(new LanguageServerSocket(socket, ended)));
      socket.addEventListener('error', () =>
        reject(new Error('The session can’t be reached. Try again soon.')),
      );
    });
  }

  /** Return what is waited for; throws when the connection closes before it is there. */
  whileOpen<T>(work: Promise<T>): Promise<T> {
    return Promise.race([work, this.closed]);
  }

  /** Send a message. One for a server that is gone is dropped: its editors are told by `ended`. */
  send(message: string): void {
    if (this.socket.readyState === WebSocket.OPEN) this.socket.send(message);
  }

  subscribe(handler: (message: string) => void): void {
    this.handlers.add(handler);
  }

  unsubscribe(handler: (message: string) => void): void {
    this.handlers.delete(handler);
  }

  close(): void {
    this.socket.close();
  }
}
