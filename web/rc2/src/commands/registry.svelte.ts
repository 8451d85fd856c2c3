/** What can be done, by name: from a key, the palette, a menu or a button. */

import { chordOf } from './keys.ts';

/** Where the focus has to be for a key to mean this command; `code` is the editor or the console. */
export type Place = 'anywhere' | 'editor' | 'console' | 'code';

export interface Command {
  id: string;
  title: string;
  /** What it belongs to, for the page of keys. */
  group: 'Run' | 'Debug' | 'Edit' | 'Files' | 'Console' | 'Panes' | 'View';
  keys?: string[];
  place?: Place;
  run: () => unknown;
  /** Whether it can be done now. */
  enabled?: () => boolean;
}

export type Bindings = Record<string, string[]>;

export class Registry {
  private readonly byId = new Map<string, Command>();
  /** Keys that the person has set, by command; an empty list takes the keys away. */
  own: Bindings = $state({});

  add(...commands: Command[]): void {
    for (const command of commands) {
      if (this.byId.has(command.id)) throw new Error(`There are two commands ${command.id}.`);
      this.byId.set(command.id, command);
    }
  }

  get all(): Command[] {
    return [...this.byId.values()];
  }

  command(id: string): Command {
    const found = this.byId.get(id);
    if (!found) throw new Error(`There is no command ${id}.`);
    return found;
  }

  keys(id: string): string[] {
    return this.own[id] ?? this.byId.get(id)?.keys ?? [];
  }

  /** Return the commands that a chord means, in the order in which they are tried: the nearer place first. */
  meant(chord: string, place: Place): Command[] {
    const found = this.all.filter((command) => this.keys(command.id).includes(chord));
    const fits = (command: Command): boolean => {
      const needs = command.place ?? 'anywhere';
      return needs === 'anywhere' || needs === place || (needs === 'code' && place !== 'anywhere');
    };
    return found
      .filter(fits)
      .sort((one, other) => Number(one.place === undefined) - Number(other.place === undefined));
  }

  run(id: string): void {
    const command = this.command(id);
    if (command.enabled?.() ?? true) void command.run();
  }

  /** Do what a key means, and return whether it means something. */
  press(event: KeyboardEvent, place: Place): boolean {
    const chord = chordOf(event);
    if (!chord) return false;
    const command = this.meant(chord, place).find(({ enabled }) => enabled?.() ?? true);
    if (!command) return false;
    event.preventDefault();
    event.stopPropagation();
    void command.run();
    return true;
  }

  /** Return commands that share a chord at one place, by chord. */
  conflicts(): Map<string, Command[]> {
    const byChord = new Map<string, Command[]>();
    for (const command of this.all)
      for (const chord of this.keys(command.id)) {
        const key = `${command.place ?? 'anywhere'} ${chord}`;
        byChord.set(key, [...(byChord.get(key) ?? []), command]);
      }
    return new Map([...byChord].filter(([, commands]) => commands.length > 1));
  }
}

/** Return how well a text matches what was typed into the palette: the larger the better, null for not at all. */
export function score(typed: string, text: string): number | null {
  const wanted = typed.toLowerCase().replaceAll(' ', '');
  const where = text.toLowerCase();
  if (!wanted) return 0;
  const whole = where.indexOf(typed.toLowerCase().trim());
  if (whole >= 0) return 1000 - whole - text.length / 100;
  let at = -1;
  let points = where.startsWith(wanted.slice(0, 1)) ? 2 : 0;
  for (const letter of wanted) {
    const next = where.indexOf(letter, at + 1);
    if (next < 0) return null;
    points += /[\s/._-]/.test(where[next - 1] ?? ' ') ? 6 : next === at + 1 ? 5 : 0;
    at = next;
  }
  return points - text.length / 100;
}
