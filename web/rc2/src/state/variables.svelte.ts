/** The variables of the console that is shown, as the server tells them: all, then what changed. */

import type { Notice, Variable } from '../protocol/messages.ts';
import { track } from './track.ts';

type Told = Extract<Notice, { type: 'variables' }>;

export class Variables {
  private byConsole = new Map<string, Map<string, Variable>>();
  private version = $state(0);
  more = $state(0);

  take(notice: Told): void {
    const known = notice.all ? undefined : this.byConsole.get(notice.console);
    const all = new Map(
      [...(known ?? new Map<string, Variable>())].map(([name, variable]) => [
        name,
        { ...variable, changed: false },
      ]),
    );
    for (const variable of notice.set) all.set(variable.name, variable);
    for (const name of notice.removed) all.delete(name);
    this.byConsole.set(notice.console, all);
    this.more = notice.more;
    this.version += 1;
  }

  /** Return the variables of a console by name; null before the server has told them. */
  of(console: string): Variable[] | null {
    track(this.version);
    const all = this.byConsole.get(console);
    if (!all) return null;
    const order = new Intl.Collator(undefined, { numeric: true });
    return [...all.values()].sort((one, other) => order.compare(one.name, other.name));
  }

  forget(console: string): void {
    this.byConsole.delete(console);
    this.version += 1;
  }
}
