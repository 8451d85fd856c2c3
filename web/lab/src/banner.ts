/** What stands over the page while the session does not answer: why, and the button that goes on. */
import type { Away } from './situation.ts';

export interface BannerActions {
  resume: () => Promise<void>;
  /** Lead to where the person signs in. */
  signIn: () => void;
  /** Lead to the hub's page of the session. */
  open: () => void;
}

/** Below it everything can be read, copied and edited: what is typed is still in the tab. */
export class Banner {
  readonly node = document.createElement('section');
  readonly #title = document.createElement('h2');
  readonly #text = document.createElement('p');
  readonly #resume = button('jp-mod-accept');
  readonly #signIn = button('jp-mod-accept');
  readonly #open = button('jp-mod-reject');

  constructor(actions: BannerActions) {
    this.node.className = 'rspark-Banner';
    this.node.hidden = true;
    this.node.setAttribute('role', 'alertdialog');
    this.#title.id = 'rspark-banner-title';
    this.#text.id = 'rspark-banner-text';
    this.node.setAttribute('aria-labelledby', this.#title.id);
    this.node.setAttribute('aria-describedby', this.#text.id);
    this.#signIn.textContent = 'Sign in';
    this.#open.textContent = 'Its page';
    this.#signIn.addEventListener('click', actions.signIn);
    this.#open.addEventListener('click', actions.open);
    this.#resume.addEventListener('click', () => {
      this.#resume.disabled = true;
      void actions.resume().finally(() => (this.#resume.disabled = false));
    });
    const buttons = document.createElement('div');
    buttons.append(this.#open, this.#signIn, this.#resume);
    this.node.append(this.#title, this.#text, buttons);
  }

  /** Say why the session does not answer; with null there is nothing to say. */
  tell(away: Away | null): void {
    const wasHidden = this.node.hidden;
    this.node.hidden = away === null;
    if (!away) return;
    this.#title.textContent = away.title;
    this.#text.textContent = away.text;
    this.node.classList.toggle('rspark-mod-waiting', away.waiting);
    this.#resume.textContent = away.resume;
    this.#resume.hidden = away.resume === null;
    this.#signIn.hidden = !away.signIn;
    this.#open.hidden = away.signIn;
    // Whoever types goes on typing; who does nothing finds the way on under their fingers.
    if (wasHidden && document.activeElement === document.body && away.resume) this.#resume.focus();
  }
}

function button(kind: string): HTMLButtonElement {
  const made = document.createElement('button');
  made.type = 'button';
  made.className = `jp-Dialog-button jp-mod-styled ${kind}`;
  return made;
}
