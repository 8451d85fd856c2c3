/** What there is to say about the line to the shell, and what to do about it. */

import type { Situation } from './connection.ts';

interface Words {
  text: string;
  action?: string;
  link?: boolean;
}

const WORDS: Partial<Record<Situation, Words>> = {
  lost: { text: 'The connection is lost. What runs goes on; trying again…', action: 'Try now' },
  ended: { text: 'The shell has ended.', action: 'Start a new one' },
  asleep: { text: 'This session is asleep. Wake it, and the terminal goes on here.', link: true },
  gone: { text: 'This session has ended, or you are signed out.', link: true },
};

export class Notice {
  private readonly box = element('notice');
  private readonly text = element('notice-text');
  private readonly button = element('notice-action') as HTMLButtonElement;
  private readonly link = element('notice-link') as HTMLAnchorElement;

  constructor(act: (situation: Situation) => void) {
    this.button.addEventListener('click', () => act(this.box.dataset.situation as Situation));
  }

  /** Where the list of sessions is. */
  leadTo(hub: string): void {
    this.link.href = hub;
  }

  show(situation: Situation): void {
    const words = WORDS[situation];
    this.box.hidden = !words;
    this.box.dataset.situation = situation;
    this.text.textContent = words?.text ?? '';
    this.button.hidden = !words?.action;
    this.button.textContent = words?.action ?? '';
    this.link.hidden = !words?.link;
    // A lost line mends itself and takes nobody's focus; where only a person can go on, that is where they are led.
    if (situation === 'ended') this.button.focus();
    if (situation === 'gone' || situation === 'asleep') this.link.focus();
  }
}

export function element(id: string): HTMLElement {
  const found = document.getElementById(id);
  if (!found) throw new Error(`The page has no ${id}.`);
  return found;
}
