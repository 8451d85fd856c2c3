/**
 * One event stream for all tabs of a browser, which has six connections to a host. The tab that leads is connected, and
 * passes on to the others what comes; a tab that nobody looks at neither leads nor asks for anything.
 */
import { get, writable, type Readable } from 'svelte/store';
import { EventStream, type Connection, type EventSourceLike, type HubEvent } from './event-stream.ts';
import { Leadership, type ChannelLike, type LocksLike } from './leadership.ts';
import { includes, streamUrl, unite, type StreamScope } from './stream-scope.ts';

/** What a tab wants to be told, and on whose behalf. */
export interface Wanted {
  user: string;
  scope: StreamScope;
}

export interface SharedStreamOptions {
  open: (url: string) => EventSourceLike;
  openChannel: (name: string) => ChannelLike;
  locks: LocksLike | undefined;
  /** Known to this tab alone. */
  tab: string;
  onEvent: (event: HubEvent) => void;
  /** The stream brings what is wanted from now on: what was before has to be read. */
  onOpen: () => void;
  onError: () => void;
  /** Another tab has found out who is signed in; null for nobody. */
  onUser: (name: string | null) => void;
}

type Message =
  /** Of a follower to the leader: what it wants; null when it wants nothing any more. */
  | { kind: 'want'; tab: string; wanted: Wanted | null }
  /** Of a new leader: who wants what? */
  | { kind: 'ask' }
  /** Of the leader: the state of its stream. Each opening has a number of its own. */
  | { kind: 'status'; wanted: Wanted; connection: Connection; opening: string }
  | { kind: 'event'; event: HubEvent }
  /** Of a follower to the leader: try again now. */
  | { kind: 'reconnect' }
  | { kind: 'user'; name: string | null };

/** Grows when the messages change: tabs of two versions don't understand each other, and each has a leader of its own. */
const NAME = 'rsparkhub.events.1';

export class SharedStream {
  readonly #options: SharedStreamOptions;
  readonly #connection = writable<Connection>('connecting');
  readonly #leads = writable(false);
  readonly #stream: EventStream;
  readonly #leadership: Leadership;
  #channel: ChannelLike | null = null;
  #wanted: Wanted | null = null;
  /** What the other tabs want, while this one leads. */
  readonly #others = new Map<string, Wanted>();
  /** What the stream brings, while this one leads. */
  #bringing: Wanted | null = null;
  #openings = 0;
  /** The leader's opening that this tab has read the list for. */
  #seen: string | null = null;

  constructor(options: SharedStreamOptions) {
    this.#options = options;
    this.#leadership = new Leadership({
      name: NAME,
      tab: options.tab,
      openChannel: options.openChannel,
      locks: options.locks,
      onChange: (leads) => this.#changeLead(leads),
    });
    this.#stream = new EventStream({
      open: options.open,
      onEvent: (event) => {
        this.#say({ kind: 'event', event });
        options.onEvent(event);
      },
      onOpen: () => {
        this.#openings++;
        this.#sayStatus();
        options.onOpen();
      },
      onError: options.onError,
    });
    this.#stream.connection.subscribe((connection) => {
      if (!this.#leadership.leads) return;
      this.#connection.set(connection);
      if (connection !== 'live') this.#sayStatus(); // that it is open is said with the number of the opening
    });
  }

  get connection(): Readable<Connection> {
    return this.#connection;
  }

  /** Whether this tab is the one that holds connections. */
  get leads(): Readable<boolean> {
    return this.#leads;
  }

  /** Listen to the other tabs, or no longer: a page that the browser keeps for later must not. */
  listen(on: boolean): void {
    if (on === (this.#channel !== null)) return;
    if (on) {
      this.#channel = this.#options.openChannel(NAME);
      this.#channel.onmessage = (event) => this.#hear(event.data as Message);
    } else {
      this.#channel?.close();
      this.#channel = null;
    }
  }

  /** Want this to be told, or nothing. */
  want(wanted: Wanted | null): void {
    this.#wanted = wanted;
    this.#seen = null;
    if (!wanted) {
      const led = this.#leadership.leads;
      this.#leadership.release();
      if (!led) this.#say({ kind: 'want', tab: this.#options.tab, wanted });
      return;
    }
    if (this.#leadership.leads) {
      const before = this.#bringing;
      this.#connect();
      // Already told all of it: only what this page has not read yet is missing.
      if (this.#bringing === before && get(this.#connection) === 'live') this.#options.onOpen();
      return;
    }
    this.listen(true);
    this.#connection.set('connecting');
    this.#say({ kind: 'want', tab: this.#options.tab, wanted });
    this.#leadership.request();
  }

  /** Connect now, if the stream waits for its next try. */
  reconnect(): void {
    if (this.#leadership.leads) this.#stream.reconnect();
    else this.#say({ kind: 'reconnect' });
  }

  /** Tell the other tabs who is signed in, as this one has just found out. */
  announceUser(name: string | null): void {
    this.#say({ kind: 'user', name });
  }

  #changeLead(leads: boolean): void {
    this.#others.clear();
    this.#leads.set(leads);
    if (leads) {
      this.#say({ kind: 'ask' });
      this.#connect();
    } else {
      this.#bringing = null;
      this.#stream.connect(null);
      this.#connection.set('connecting');
    }
  }

  /** Let the stream bring what this tab and the others want. */
  #connect(): void {
    if (!this.#wanted) return;
    const { user, scope } = this.#wanted;
    const others = [...this.#others.values()].filter((other) => other.user === user);
    const united = unite(
      scope,
      others.map((other) => other.scope),
    );
    const before = this.#bringing;
    if (before?.user === user && streamUrl(before.scope) === streamUrl(united)) {
      this.#sayStatus();
      return;
    }
    this.#bringing = { user, scope: united };
    // Another person's stream has the same address.
    if (before && before.user !== user) this.#stream.connect(null);
    this.#stream.connect(streamUrl(united));
  }

  #hear(message: Message): void {
    switch (message.kind) {
      case 'want':
        if (!this.#leadership.leads) return;
        if (message.wanted) this.#others.set(message.tab, message.wanted);
        else this.#others.delete(message.tab);
        this.#connect();
        return;
      case 'ask':
        if (this.#wanted && !this.#leadership.leads)
          this.#say({ kind: 'want', tab: this.#options.tab, wanted: this.#wanted });
        return;
      case 'status':
        this.#follow(message);
        return;
      case 'event':
        if (!this.#leadership.leads) this.#options.onEvent(message.event);
        return;
      case 'reconnect':
        if (this.#leadership.leads) this.#stream.reconnect();
        return;
      case 'user':
        this.#options.onUser(message.name);
    }
  }

  #follow({ wanted, connection, opening }: Extract<Message, { kind: 'status' }>): void {
    if (this.#leadership.leads || !this.#wanted || wanted.user !== this.#wanted.user) return;
    if (!includes(wanted.scope, this.#wanted.scope)) return; // on its way: the leader has heard what this one wants
    this.#connection.set(connection);
    if (connection !== 'live' || opening === this.#seen) return;
    this.#seen = opening;
    this.#options.onOpen();
  }

  #sayStatus(): void {
    if (!this.#bringing || !this.#leadership.leads) return;
    this.#say({
      kind: 'status',
      wanted: this.#bringing,
      connection: get(this.#stream.connection),
      opening: `${this.#options.tab} ${this.#openings}`,
    });
  }

  #say(message: Message): void {
    this.#channel?.postMessage(message);
  }
}
