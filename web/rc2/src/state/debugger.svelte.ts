/** The debugger, as the server tells it: breakpoints by file, and where consoles wait. */

import { SvelteMap, SvelteSet } from 'svelte/reactivity';
import type { Breakpoint, Notice, StackFrame, Stopped } from '../protocol/messages.ts';

type Set = Extract<Notice, { type: 'breakpoints' }>;
type Told = Extract<Notice, { type: 'debugger' }>;

/** Milliseconds for which a console that goes on is shown where it was: after a step it stops again. */
const GOING = 400;

export class Debugger {
  readonly breakpoints = new SvelteMap<string, Breakpoint[]>();
  breakOnError = $state(false);
  /** How often breakpoints were not taken: what is shown is to be as the server has it. */
  refused = $state(0);
  private readonly waiting = new SvelteMap<string, Stopped>();
  private readonly going = new SvelteSet<string>();
  private readonly timers = new Map<string, ReturnType<typeof setTimeout>>();
  /** The call that a person has chosen, by console. */
  private readonly chosen = new SvelteMap<string, number>();

  of(path: string): Breakpoint[] {
    return this.breakpoints.get(path) ?? [];
  }

  /** Where a console waits, or waited a moment ago. */
  stopped(console: string | undefined): Stopped | null {
    return (console === undefined ? undefined : this.waiting.get(console)) ?? null;
  }

  /** Whether it can be told to go on. */
  ready(console: string | undefined): boolean {
    return console !== undefined && this.waiting.has(console) && !this.going.has(console);
  }

  frame(console: string | undefined): StackFrame | null {
    const stopped = this.stopped(console);
    const number = console === undefined ? undefined : this.chosen.get(console);
    return stopped?.frames.find(({ frame }) => frame === number) ?? stopped?.frames[0] ?? null;
  }

  choose(console: string, frame: number): void {
    this.chosen.set(console, frame);
  }

  takeBreakpoints({ files, break_on_error }: Set): void {
    this.breakOnError = break_on_error;
    const now = new Map(files.map(({ path, breakpoints }) => [path, breakpoints]));
    for (const path of [...this.breakpoints.keys()]) if (!now.has(path)) this.breakpoints.delete(path);
    for (const [path, breakpoints] of now) this.breakpoints.set(path, breakpoints);
  }

  take({ console, stopped }: Told): void {
    clearTimeout(this.timers.get(console));
    if (stopped) {
      this.waiting.set(console, stopped);
      this.chosen.delete(console);
      this.going.delete(console);
      return;
    }
    if (!this.waiting.has(console)) return;
    this.going.add(console);
    this.timers.set(
      console,
      setTimeout(() => this.forget(console), GOING),
    );
  }

  /** Forget where consoles wait: the server says it anew. */
  reset(): void {
    for (const console of [...this.waiting.keys()]) this.forget(console);
  }

  private forget(console: string): void {
    clearTimeout(this.timers.get(console));
    this.waiting.delete(console);
    this.going.delete(console);
    this.chosen.delete(console);
  }
}
