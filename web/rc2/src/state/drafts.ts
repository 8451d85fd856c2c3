/**
 * What was typed and isn't saved, kept in this browser until it is. In a browser that is full, or that keeps nothing of this page,
 * there are no drafts; files are opened and saved all the same.
 */

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
  private database: Promise<IDBPDatabase> | null = null;

  /** Open the drafts of one session: sessions of one origin don't see each other's. */
  constructor(private readonly session: string) {}

  private key(path: string): string {
    return `${this.session} ${path}`;
  }

  /** Do something with the database; what fails is as if there were no drafts. */
  private async attempt<T>(work: (database: IDBPDatabase) => Promise<T>): Promise<T | undefined> {
    try {
      this.database ??= openDB('rc2', 1, {
        upgrade: (database) => void database.createObjectStore(STORE),
      });
      return await work(await this.database);
    } catch {
      return undefined;
    }
  }

  async write(draft: Draft): Promise<void> {
    await this.attempt((database) => database.put(STORE, draft, this.key(draft.path)));
  }

  async read(path: string): Promise<Draft | undefined> {
    return (await this.attempt((database) => database.get(STORE, this.key(path)))) as Draft | undefined;
  }

  async remove(path: string): Promise<void> {
    await this.attempt((database) => database.delete(STORE, this.key(path)));
  }

  async all(): Promise<Draft[]> {
    const found = await this.attempt(async (database) => {
      const keys = (await database.getAllKeys(STORE)).filter(
        (key) => typeof key === 'string' && key.startsWith(`${this.session} `),
      );
      return Promise.all(keys.map(async (key) => (await database.get(STORE, key)) as Draft));
    });
    return found ?? [];
  }
}
