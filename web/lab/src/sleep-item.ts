/** "Sleeps at 17:32", and what puts it off, in the status bar. */
import { sleepText } from '@rsparkhub/hub/state/sleep-text.ts';
import type { Session } from '@rsparkhub/hub/state/model.ts';
import { exact } from '@rsparkhub/hub/state/format.ts';
import { mayRun } from './situation.ts';
import { Widget } from '@lumino/widgets';

export class SleepItem extends Widget {
  readonly #text = document.createElement('span');
  readonly #more = document.createElement('button');

  constructor(extend: () => Promise<void>) {
    super();
    this.id = 'rsparkhub-sleeps';
    this.addClass('rspark-SleepItem');
    this.#text.className = 'jp-StatusBar-TextItem';
    this.#more.className = 'rspark-SleepItem-more';
    this.#more.type = 'button';
    this.#more.textContent = '+2 h';
    this.#more.title = 'Sleep two hours later';
    this.#more.addEventListener('click', () => {
      this.#more.disabled = true;
      void extend().finally(() => (this.#more.disabled = false));
    });
    this.node.append(this.#text, this.#more);
    this.tell(null, 0);
  }

  /** Say when a session sleeps; nothing of one of which nothing is known, or that is away. */
  tell(session: Session | null, now: number): void {
    const sleeps = session?.sleeps ?? null;
    this.#text.textContent = sleeps ? sleepText(sleeps, now) : session?.busy ? 'Awake while it computes' : '';
    this.#text.title = sleeps ? exact(sleeps.at) : '';
    this.#more.hidden = !sleeps?.can_extend || !mayRun(session);
  }
}
