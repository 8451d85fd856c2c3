/** The browser's title with the session's name, by which one tab is told from another. */

const BETWEEN = ' – ';

/** Return a title with the session's name at its end; `before` is the name that it may have there. */
export function titled(title: string, name: string, before: string | null): string {
  const end = before === null ? '' : BETWEEN + before;
  return (end !== '' && title.endsWith(end) ? title.slice(0, -end.length) : title) + BETWEEN + name;
}

/** Keeps the session's name in the title of the page, whatever JupyterLab makes of that. */
export class Title {
  #name: string | null = null;

  constructor(private readonly page: Document) {
    const watched = this.page.querySelector('title');
    if (watched) new MutationObserver(() => this.#write()).observe(watched, { childList: true });
  }

  name(name: string): void {
    if (name === this.#name) return;
    this.page.title = titled(this.page.title, name, this.#name);
    this.#name = name;
  }

  #write(): void {
    const name = this.#name;
    if (name !== null && !this.page.title.endsWith(BETWEEN + name))
      this.page.title = titled(this.page.title, name, null);
  }
}
