/** The line to the session's Rc² server, which holds through a lost network: no event is missed, none comes twice. */

import { VERSION, type FromServer, type Notice, type ServerEvent, type ToServer } from './messages.ts';

export type Situation =
  | 'connecting'
  | 'open'
  | 'lost' // tries again by itself
  | 'refused'; // the server speaks another version: only loading the page anew helps

export interface LinkOptions {
  open: () => WebSocket;
  event: (event: ServerEvent) => void;
  notice: (notice: Notice) => void;
  /** Forget all that events have told: the server has begun another log, and sends it from its start. */
  reset: () => void;
  changed: (situation: Situation) => void;
}

/** Return how long to wait before the next try to connect, in milliseconds. */
export const pause = (tries: number): number => Math.min(250 * 2 ** Math.max(0, tries - 1), 8000);

export class Link {
  private socket: WebSocket | null = null;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private tries = 0;
  private seen = 0;
  private epoch: string | null = null;
  private waiting: string[] = [];
  /** Executions that the server has not confirmed: sent again over a new connection, where each still runs once. */
  private unconfirmed = new Map<string, string>();
  situation: Situation = 'connecting';

  constructor(private readonly options: LinkOptions) {}

  /** Connect, and again whenever the line is lost. */
  start(): void {
    clearTimeout(this.timer);
    if (this.situation === 'refused') return;
    this.socket?.close();
    const socket = this.options.open();
    this.socket = socket;
    this.tries += 1;
    socket.onopen = () => {
      const hello: ToServer = { type: 'hello', version: VERSION, since: this.seen, epoch: this.epoch };
      socket.send(JSON.stringify(hello));
    };
    socket.onmessage = ({ data }) => this.receive(String(data));
    socket.onclose = () => {
      if (socket !== this.socket) return;
      this.socket = null;
      if (this.situation === 'refused') return;
      this.become('lost');
      this.timer = setTimeout(() => this.start(), pause(this.tries));
    };
  }

  /** Try at once, where a try is due anyway. */
  retry(): void {
    if (this.situation === 'lost') this.start();
  }

  /** Send a message; while the line is lost it waits, so that what a person asked for is done once it is back. */
  send(message: ToServer): void {
    const text = JSON.stringify(message);
    const asks = message.type === 'execute' || message.type === 'start_job';
    if (asks) this.unconfirmed.set(message.id, text);
    if (this.situation === 'open' && this.socket?.readyState === WebSocket.OPEN) this.socket.send(text);
    else if (!asks) this.waiting.push(text);
  }

  close(): void {
    clearTimeout(this.timer);
    const socket = this.socket;
    this.socket = null;
    socket?.close();
  }

  private receive(text: string): void {
    const message = JSON.parse(text) as FromServer;
    if (message.type === 'welcome') this.greet(message);
    else if ('seq' in message) {
      if (message.seq <= this.seen) return;
      this.seen = message.seq;
      if (message.type === 'execution_queued') this.unconfirmed.delete(message.execution);
      if (message.type === 'job_started') this.unconfirmed.delete(message.job);
      this.options.event(message);
    } else {
      if (message.type === 'refused' && message.request === 'hello') this.become('refused');
      if (message.type === 'refused' && message.execution) this.unconfirmed.delete(message.execution);
      this.options.notice(message);
    }
  }

  private greet(welcome: Extract<Notice, { type: 'welcome' }>): void {
    this.tries = 0;
    // A machine that crashed may have lost the last events: the log ends before what was seen.
    if (this.epoch !== null && (this.epoch !== welcome.epoch || welcome.last < this.seen)) {
      this.seen = 0;
      this.options.reset();
    }
    this.epoch = welcome.epoch;
    this.options.notice(welcome);
    this.become('open');
    const waiting = [...this.unconfirmed.values(), ...this.waiting];
    this.waiting = [];
    for (const message of waiting) this.socket?.send(message);
  }

  private become(situation: Situation): void {
    if (situation === this.situation) return;
    this.situation = situation;
    this.options.changed(situation);
  }
}
