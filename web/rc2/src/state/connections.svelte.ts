/** The tree of what the session's data services hold: each level is asked for when it is first unfolded. */

import { SvelteMap, SvelteSet } from 'svelte/reactivity';
import * as session from '../session/connections.ts';
import type { Catalog, Connection, Entry } from '../session/connections.ts';
import { visible } from './connection-code.ts';

export interface Place {
  connection: Connection;
  path: string[];
}

export interface Level {
  catalog: Catalog | null;
  /** Why it is not there, in a sentence. */
  problem: string | null;
  loading: boolean;
}

/** A row of the tree: a place, or what stands below an unfolded one in the stead of its entries. */
export interface Row extends Place {
  key: string;
  depth: number;
  entry: Entry | null;
  /** Whether something can be unfolded below it. */
  inner: boolean;
  note: 'loading' | 'problem' | 'not-started' | 'empty' | 'more' | null;
  position: number;
  count: number;
}

/** How deep the tables of a service lie. */
const TABLE_DEPTH: Partial<Record<Connection['service'], number>> = { postgres: 3, spark: 2 };

export const keyOf = ({ connection, path }: Place): string =>
  JSON.stringify([connection.service, connection.console, ...path]);
export const isTable = ({ connection, path }: Place): boolean =>
  path.length === TABLE_DEPTH[connection.service];

export class Connections {
  all: Connection[] | null = $state.raw(null);
  problem: string | null = $state(null);
  loading = $state(false);
  filter = $state('');
  readonly unfolded = new SvelteSet<string>();
  readonly levels = new SvelteMap<string, Level>();
  private asked = 0;

  /** Ask for the services, and again for all that is unfolded. */
  async refresh(): Promise<void> {
    this.loading = true;
    const number = (this.asked += 1);
    try {
      const all = await session.connections();
      if (number !== this.asked) return;
      this.all = all;
      this.problem = null;
    } catch (problem) {
      if (number !== this.asked) return;
      this.problem = sentence(problem);
    }
    if (this.all?.length === 1)
      for (const connection of this.all) this.unfolded.add(keyOf({ connection, path: [] }));
    await Promise.all((this.all ?? []).map((connection) => this.reload({ connection, path: [] })));
    if (number === this.asked) this.loading = false;
  }

  /** Ask again for what is unfolded at a place and below it; what is shown stays until the answer is there. */
  async reload(place: Place): Promise<void> {
    const key = keyOf(place);
    if (!this.unfolded.has(key)) {
      this.levels.delete(key);
      return;
    }
    await this.load(place);
    const entries = this.levels.get(key)?.catalog?.entries ?? [];
    await Promise.all(
      entries
        .map(({ name }) => ({ connection: place.connection, path: [...place.path, name] }))
        .filter((below) => this.unfolded.has(keyOf(below)) || this.levels.has(keyOf(below)))
        .map((below) => this.reload(below)),
    );
  }

  async load(place: Place): Promise<void> {
    const { connection, path } = place;
    if (connection.service !== 'postgres' && connection.service !== 'spark') return;
    const key = keyOf(place);
    const before = this.levels.get(key);
    this.levels.set(key, { catalog: before?.catalog ?? null, problem: null, loading: true });
    try {
      const { service, console } = connection;
      const catalog = await session.catalog({ service, console, path });
      this.levels.set(key, { catalog, problem: null, loading: false });
    } catch (problem) {
      this.levels.set(key, { catalog: null, problem: sentence(problem), loading: false });
    }
  }

  async unfold(place: Place): Promise<void> {
    const key = keyOf(place);
    this.unfolded.add(key);
    const level = this.levels.get(key);
    if (!level || level.problem !== null) await this.load(place);
  }

  fold(place: Place): void {
    this.unfolded.delete(keyOf(place));
  }

  isUnfolded(place: Place): boolean {
    return this.unfolded.has(keyOf(place));
  }

  /** The rows that are shown: with a filter, what has a name like it, and what leads there. */
  get rows(): Row[] {
    const wanted = this.filter.trim().toLowerCase();
    return (this.all ?? []).flatMap((connection, at, { length }) =>
      this.below(
        { connection, path: [] },
        { entry: null, depth: 0, position: at + 1, count: length },
        wanted,
      ),
    );
  }

  private below(
    place: Place,
    about: Pick<Row, 'entry' | 'depth' | 'position' | 'count'>,
    wanted: string,
  ): Row[] {
    const key = keyOf(place);
    const inner = about.entry?.kind !== 'column' && TABLE_DEPTH[place.connection.service] !== undefined;
    const row: Row = { ...place, ...about, key, inner, note: null };
    const fits = wanted === '' || nameOf(row).toLowerCase().includes(wanted);
    const inside = inner && this.unfolded.has(key) ? this.inside(row, fits ? '' : wanted) : [];
    return fits || inside.length > 0 ? [row, ...inside] : [];
  }

  private inside(row: Row, wanted: string): Row[] {
    const level = this.levels.get(row.key);
    const entries = level?.catalog?.entries ?? [];
    const found = entries.flatMap((entry, at) =>
      this.below(
        { connection: row.connection, path: [...row.path, entry.name] },
        { entry, depth: row.depth + 1, position: at + 1, count: entries.length },
        wanted,
      ),
    );
    if (wanted !== '') return found;
    const note = noteOf(level);
    if (note === null) return found;
    const told = { ...row, key: `${row.key} ${note}`, depth: row.depth + 1, entry: null, inner: false, note };
    return [...found, { ...told, position: entries.length + 1, count: entries.length + 1 }];
  }
}

function noteOf(level: Level | undefined): Row['note'] {
  if (level?.problem) return 'problem';
  if (!level?.catalog) return 'loading';
  if (!level.catalog.started) return 'not-started';
  if (level.catalog.more) return 'more';
  return level.catalog.entries.length === 0 ? 'empty' : null;
}

/** Return what a row is called. */
export function nameOf({ entry, connection }: Pick<Row, 'entry' | 'connection'>): string {
  if (entry === null) return connection.title;
  return entry.name === '' ? 'Temporary views' : visible(entry.name);
}

const sentence = (problem: unknown): string => (problem instanceof Error ? problem.message : String(problem));
