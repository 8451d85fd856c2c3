/** The line to a shell, which holds through a lost network. */

import { pause, read, resized, typed, type FromShell } from '@rsparkhub/ui/shell';
import { SessionAsleep, SessionGone, find, open, socketOf } from './shells.ts';

export type Situation =
  | 'connecting'
  | 'open'
  | 'lost' // tries again by itself
  | 'ended' // the shell has ended
  | 'asleep' // the session sleeps; looks now and then whether it is awake again
  | 'gone'; // the session isn't there any more

const WHILE_ASLEEP = 10_000; // milliseconds between two looks

export class Connection {
  private socket: WebSocket | null = null;
  private timer: number | undefined;
  private tries = 0;
  private situation: Situation = 'connecting';
  private rows = 24;
  private columns = 80;

  constructor(
    private readonly hears: (message: FromShell) => void,
    private readonly changes: (situation: Situation) => void,
  ) {
    window.addEventListener('online', () => this.again());
    document.addEventListener('visibilitychange', () => {
      if (!document.hidden) this.again();
    });
  }

  /** Connect to the shell that the page is for. */
  start(): void {
    void this.connect(find);
  }

  /** Connect to a new shell. */
  startNew(): void {
    void this.connect(open);
  }

  /** Try at once, if a try is due anyway. */
  again(): void {
    if (this.situation === 'lost' || this.situation === 'asleep') this.start();
  }

  type(text: string): void {
    if (this.socket?.readyState === WebSocket.OPEN) this.socket.send(typed(text));
  }

  resize(rows: number, columns: number): void {
    this.rows = rows;
    this.columns = columns;
    if (this.socket?.readyState === WebSocket.OPEN) this.socket.send(resized(rows, columns));
  }

  private async connect(choose: () => Promise<string>): Promise<void> {
    window.clearTimeout(this.timer);
    if (this.situation === 'ended') this.becomes('connecting');
    this.tries += 1;
    try {
      const name = await choose();
      window.history.replaceState(null, '', `#${encodeURIComponent(name)}`);
      this.join(name);
    } catch (problem) {
      if (problem instanceof SessionGone) this.becomes('gone');
      else if (problem instanceof SessionAsleep) this.lose('asleep', WHILE_ASLEEP);
      else this.lose('lost', pause(this.tries));
    }
  }

  private join(name: string): void {
    this.socket?.close();
    const socket = new WebSocket(socketOf(name));
    this.socket = socket;
    socket.onopen = () => {
      this.tries = 0;
      this.becomes('open');
      this.resize(this.rows, this.columns);
    };
    socket.onmessage = (event) => {
      const message = read(String(event.data));
      if (message?.kind === 'ended') this.becomes('ended');
      if (message) this.hears(message);
    };
    socket.onclose = () => {
      if (socket === this.socket && this.situation !== 'ended') this.lose('lost', pause(this.tries));
    };
  }

  private lose(how: 'lost' | 'asleep', again: number): void {
    this.becomes(how);
    this.timer = window.setTimeout(() => this.start(), again);
  }

  private becomes(situation: Situation): void {
    if (situation === this.situation) return;
    this.situation = situation;
    this.changes(situation);
  }
}
