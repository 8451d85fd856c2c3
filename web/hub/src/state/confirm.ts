/** The question before something that can't be undone; one at a time. */
import { get, writable, type Readable } from 'svelte/store';

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

/** Ask, and return whether the person agreed. A question that is open then is answered by no: somebody waits for it. */
export function confirm(asked: Question): Promise<boolean> {
  get(open)?.answer(false);
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
