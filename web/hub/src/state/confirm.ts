/** The question before something that can't be undone; one at a time. */
import { writable, type Readable } from 'svelte/store';

export interface Question {
  title: string;
  text: string;
  /** The button that does it, in a verb. */
  action: string;
  danger?: boolean;
  /** A milder way out, offered beside it. */
  instead?: { text: string; run: () => void };
}

interface Open extends Question {
  answer: (yes: boolean) => void;
}

const open = writable<Open | null>(null);
export const question: Readable<Open | null> = open;

/** Ask, and return whether the person agreed. */
export function confirm(asked: Question): Promise<boolean> {
  return new Promise((resolve) => {
    open.set({
      ...asked,
      answer: (yes) => {
        open.set(null);
        resolve(yes);
      },
    });
  });
}
