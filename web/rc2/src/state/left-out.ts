/** What a person took out of a list of matches: it stays out until something else is searched. */

interface Place {
  line: number;
  column: number;
}

const ALL = 'all';
const keysOf = ({ line, column }: Place): [string, string] => [`${line}`, `${line}:${column}`];

export class LeftOut {
  private readonly keys = new Map<string, Set<string>>();

  clear(): void {
    this.keys.clear();
  }

  /** Leave out a match, or a whole file. */
  add(path: string, match: Place | null): void {
    this.of(path).add(match === null ? ALL : keysOf(match)[1]);
  }

  /** Return those matches of a file that are not left out. */
  rest<M extends Place>(path: string, matches: M[]): M[] {
    const keys = this.keys.get(path);
    if (!keys) return matches;
    if (keys.has(ALL)) return [];
    const rest = matches.filter((match) => !keysOf(match).some((key) => keys.has(key)));
    return rest.length === matches.length ? matches : rest;
  }

  /**
   * Take notice that matches of a file are replaced: what stands behind one of them is elsewhere then. Where something there
   * is left out, the whole line is from now on, so that it never comes back as another match.
   */
  replaced(path: string, matches: Place[]): void {
    const keys = this.keys.get(path);
    if (!keys || keys.has(ALL)) return;
    const first = new Map<number, number>();
    for (const { line, column } of matches) first.set(line, Math.min(column, first.get(line) ?? column));
    for (const key of [...keys]) {
      const [line = 0, column] = key.split(':').map(Number);
      if (column !== undefined && column > (first.get(line) ?? column)) keys.add(`${line}`);
    }
  }

  private of(path: string): Set<string> {
    const keys = this.keys.get(path) ?? new Set<string>();
    this.keys.set(path, keys);
    return keys;
  }
}
