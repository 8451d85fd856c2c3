import { beforeEach, describe, expect, it, vi } from 'vitest';
import type { Catalog, Connection } from '../session/connections.ts';
import { linesFor, visible } from './connection-code.ts';
import { Connections, isTable, nameOf } from './connections.svelte.ts';

const asked = vi.hoisted(() => ({ connections: vi.fn(), catalog: vi.fn() }));
vi.mock('../session/connections.ts', () => asked);

const connection = (service: Connection['service'], more: Partial<Connection> = {}): Connection => ({
  service,
  title: service,
  address: '',
  account: 'ann',
  console: null,
  language: null,
  hive: false,
  ...more,
});
const database = connection('postgres');
const catalog = (...names: string[]): Catalog => ({
  entries: names.map((name) => ({ name, kind: 'schema', detail: '', key: false })),
  more: false,
  started: true,
});

beforeEach(() => {
  vi.resetAllMocks();
  asked.connections.mockResolvedValue([database, connection('s3')]);
});

describe('the tree of connections', () => {
  it('asks for a level when it is unfolded, and for what is unfolded when it is refreshed', async () => {
    const tree = new Connections();
    await tree.refresh();
    expect(asked.catalog).not.toHaveBeenCalled();
    asked.catalog.mockResolvedValueOnce(catalog('ann', 'flights'));
    await tree.unfold({ connection: database, path: [] });
    expect(tree.rows.map(nameOf)).toEqual(['postgres', 'ann', 'flights', 's3']);
    asked.catalog.mockResolvedValueOnce(catalog('public'));
    await tree.unfold({ connection: database, path: ['ann'] });
    asked.catalog.mockClear();
    asked.catalog.mockResolvedValueOnce(catalog('ann')).mockResolvedValueOnce(catalog('public', 'more'));
    await tree.refresh();
    expect(asked.catalog.mock.calls.map(([place]) => (place as { path: string[] }).path)).toEqual([
      [],
      ['ann'],
    ]);
    expect(tree.rows.map(nameOf)).toEqual(['postgres', 'ann', 'public', 'more', 's3']);
    tree.fold({ connection: database, path: [] });
    expect(tree.rows).toHaveLength(2);
  });

  it('shows what leads to a name that is filtered for', async () => {
    const tree = new Connections();
    await tree.refresh();
    asked.catalog
      .mockResolvedValueOnce(catalog('ann', 'flights'))
      .mockResolvedValueOnce(catalog('Airports', 'planes'));
    await tree.unfold({ connection: database, path: [] });
    await tree.unfold({ connection: database, path: ['flights'] });
    tree.filter = 'airp';
    expect(tree.rows.map(nameOf)).toEqual(['postgres', 'flights', 'Airports']);
  });

  it('says why a level is not there, and asks again', async () => {
    const tree = new Connections();
    await tree.refresh();
    asked.catalog.mockRejectedValueOnce(new Error('PostgreSQL does not answer.'));
    await tree.unfold({ connection: database, path: [] });
    expect(tree.rows.map(({ note }) => note)).toEqual([null, 'problem', null]);
    asked.catalog.mockResolvedValueOnce({ entries: [], more: false, started: false });
    await tree.load({ connection: database, path: [] });
    expect(tree.rows.map(({ note }) => note)).toEqual([null, 'not-started', null]);
  });
});

describe('the lines that connect', () => {
  it('names a database unless it is the person’s own', () => {
    expect(linesFor(database, ['ann']).r).toBe('con <- rspark::postgres()');
    expect(linesFor(database, ['flights']).python).toBe(
      'import psycopg\ncon = psycopg.connect(dbname="flights")',
    );
  });

  it('quotes each name for SQL, and the whole for the language', () => {
    const { r, python } = linesFor(database, ['ann', 'a"b', 'new\nline \\ ä']);
    expect(r).toContain(
      'DBI::dbGetQuery(con, "SELECT * FROM \\"a\\"\\"b\\".\\"new\\nline \\\\ ä\\" LIMIT 100")',
    );
    expect(python).toContain('con.execute("SELECT * FROM \\"a\\"\\"b\\".');
    expect(linesFor(database, ['ann', 'public', 'a']).python).toContain(
      `con.execute('SELECT * FROM "public"."a" LIMIT 100')`,
    );
    const lines = linesFor(connection('spark'), ['', 'odd`view']);
    expect(lines.python).toContain('spark.sql("SELECT * FROM `odd``view` LIMIT 100").toPandas()');
    expect(linesFor(connection('spark', { hive: true }), []).r).toBe('con <- rspark::hive()');
  });

  it('shows control characters, and knows a table by its depth', () => {
    expect(visible('a\tb\u007f')).toBe('a␉b␡');
    expect(isTable({ connection: database, path: ['a', 'b', 'c'] })).toBe(true);
    expect(isTable({ connection: connection('spark'), path: ['a', 'b', 'c'] })).toBe(false);
  });
});
