/** What was run at a console, to be called back with the arrows. */

export class Past {
  private at: number | null = null; // from the end; null while the person types something new
  private unfinished = '';
  private recalled: string | null = null;

  /** Return what was run before, or after, what stands in the input; null where there is nothing more. */
  step(by: -1 | 1, text: string, codes: string[]): string | null {
    const all = codes.filter((code, index) => code !== codes[index - 1]);
    if (this.at === null) {
      if (by > 0 || all.length === 0) return null;
      this.unfinished = text;
      this.at = 0;
    } else {
      const next = this.at - by;
      if (next < 0) {
        this.at = null;
        this.recalled = this.unfinished;
        return this.unfinished;
      }
      if (next >= all.length) return null;
      this.at = next;
    }
    this.recalled = all[all.length - 1 - this.at] ?? null;
    return this.recalled;
  }

  /** What was called back is changed: the arrows begin anew from it. */
  typed(text: string): void {
    if (text !== this.recalled) this.at = null;
  }

  reset(): void {
    this.at = null;
    this.unfinished = '';
    this.recalled = null;
  }
}
