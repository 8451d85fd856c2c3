/** Words for states and times. */

import type { ConsoleState, StackFrame } from '../protocol/messages.ts';

const STATES: Record<ConsoleState, string> = {
  starting: 'Starting',
  idle: 'Ready',
  busy: 'Busy',
  asking: 'Waits for your input',
  restarting: 'Restarting',
  ended: 'Ended',
};

export const stateText = (state: ConsoleState): string => STATES[state];

/** Return the name of a call that has not ended. */
export const frameText = ({ name }: StackFrame): string => (name === '' ? 'What was run' : name);

/** Return where a call is, after "waits". */
export const placeText = ({ name, path, line }: StackFrame): string =>
  [name === '' ? '' : `in ${name}`, path === null ? '' : `at ${path}:${line}`].filter(Boolean).join(' ');

/** Return a time in milliseconds as people read it. */
export function elapsed(time: number): string {
  const seconds = Math.max(0, time) / 1000;
  if (seconds < 0.95) return `${Math.round(seconds * 1000)} ms`;
  if (seconds < 60) return `${seconds.toFixed(1)} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min ${String(Math.floor(seconds % 60)).padStart(2, '0')} s`;
  return `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, '0')} min`;
}

/** Return a number of bytes as people read it. */
export function bytes(count: number): string {
  if (count < 1000) return `${count} B`;
  const units = ['kB', 'MB', 'GB', 'TB'];
  let value = count;
  let unit = -1;
  do {
    value /= 1000;
    unit += 1;
  } while (value >= 999.5 && unit < units.length - 1);
  return `${value < 10 ? value.toFixed(1) : Math.round(value)} ${units[unit] ?? ''}`;
}
