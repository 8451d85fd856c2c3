/** What was typed and isn't saved, kept in this browser until it is. */

import { openDB, type IDBPDatabase } from 'idb';

export interface Draft {
  path: string;
  text: string;
  /** The version of the file that it began from; null for a file that isn't there yet. */
  read: string | null;
  /** Milliseconds since 1970. */
  at: number;
}

const STORE = 'drafts';

export class Drafts {
  private readonly database: Promise<IDBPDatabase>;

  /** Open the drafts of one session: sessions of one origin don't see each other's. */
  constructor(private readonly session: string) {
    this.database = openDB('rc2', 1, {
      upgrade: (database) => void database.createObjectStore(STORE),
    });
  }

  private key(path: string): string {
    return `${this.session} ${path}`;
  }

  async write(draft: Draft): Promise<void> {
    await (await this.database).put(STORE, draft, this.key(draft.path));
  }

  async read(path: string): Promise<Draft | undefined> {
    return (await (await this.database).get(STORE, this.key(path))) as Draft | undefined;
  }

  async remove(path: string): Promise<void> {
    await (await this.database).delete(STORE, this.key(path));
  }

  async all(): Promise<Draft[]> {
    const database = await this.database;
    const keys = (await database.getAllKeys(STORE)).filter(
      (key) => typeof key === 'string' && key.startsWith(`${this.session} `),
    );
    return Promise.all(keys.map(async (key) => (await database.get(STORE, key)) as Draft));
  }
}
