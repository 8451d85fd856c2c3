/** Text as a terminal shows it: colours, and lines that are rewritten. */

import Anser from 'anser';

export interface Piece {
  text: string;
  /** Names of classes: `red`, `bright-blue`, `bold`, … */
  classes: string[];
  /** Colours that have no name, as CSS. */
  color?: string;
  background?: string;
}

const NAMED = /^ansi-(bright-)?(black|red|green|yellow|blue|magenta|cyan|white)$/;

/** Return the text in pieces of one style each; sequences that move a cursor are left out. */
export function pieces(text: string): Piece[] {
  if (!text.includes('\x1b')) return text ? [{ text, classes: [] }] : [];
  return Anser.ansiToJson(links(text), { use_classes: true, remove_empty: true }).map((part) => {
    const piece: Piece = { text: part.content, classes: [...part.decorations] };
    if (NAMED.test(part.fg)) piece.classes.push(part.fg.slice('ansi-'.length));
    else if (part.fg_truecolor) piece.color = `rgb(${part.fg_truecolor})`;
    else if (part.fg) piece.color = palette(part.fg);
    if (NAMED.test(part.bg)) piece.classes.push(`on-${part.bg.slice('ansi-'.length)}`);
    else if (part.bg_truecolor) piece.background = `rgb(${part.bg_truecolor})`;
    else if (part.bg) piece.background = palette(part.bg);
    return piece;
  });
}

// eslint-disable-next-line no-control-regex
const HYPERLINK = /\x1b\]8;[^;]*;[^\x07\x1b]*(?:\x07|\x1b\\)/g;
const links = (text: string): string => text.replace(HYPERLINK, '');

/** Return a colour of the 256 that terminals number. */
function palette(name: string): string {
  const number = Number(/\d+$/.exec(name)?.[0] ?? 0);
  if (number >= 232) {
    const grey = (number - 232) * 10 + 8;
    return `rgb(${grey}, ${grey}, ${grey})`;
  }
  const level = (value: number): number => (value === 0 ? 0 : value * 40 + 55);
  const at = number - 16;
  return `rgb(${level(Math.floor(at / 36))}, ${level(Math.floor(at / 6) % 6)}, ${level(at % 6)})`;
}

/** What was printed, and in which column the next character goes; null at the end of the last line. */
export interface Printed {
  text: string;
  column: number | null;
}

interface Cell {
  /** The sequences that were in force when it was written. */
  style: string;
  character: string;
}

// eslint-disable-next-line no-control-regex
const SEQUENCE = /\x1b\[[0-9;:?]*[A-Za-z]/y;
const RESET = '\x1b[0m';

/**
 * Return the text with what was printed after it, as a terminal would show both: a carriage return writes over the line, a
 * backspace over a character. The same text gives the same in whatever pieces it comes.
 */
export function print({ text, column }: Printed, more: string): Printed {
  // eslint-disable-next-line no-control-regex
  if (column === null && !/[\r\b]|\x1b\[\d*K/.test(more)) return { text: text + more, column: null };
  const start = text.lastIndexOf('\n') + 1;
  const line = new Line(text.slice(start), column);
  let done = text.slice(0, start);
  for (let at = 0; at < more.length;) {
    const character = more[at] ?? '';
    SEQUENCE.lastIndex = at;
    const sequence = character === '\x1b' ? SEQUENCE.exec(more)?.[0] : undefined;
    if (sequence) line.obey(sequence);
    else if (character === '\n') done += `${line.end()}\n`;
    else if (character === '\r') line.column = 0;
    else if (character === '\b') line.column = Math.max(0, line.column - 1);
    else line.write(character);
    at += sequence?.length ?? 1;
  }
  const last = line.column === line.length ? null : line.column;
  return { text: done + line.text(), column: last };
}

/** The last line, in which a cursor stands. */
class Line {
  private cells: Cell[] = [];
  private style = '';
  column = 0;

  constructor(text: string, column: number | null) {
    for (let at = 0; at < text.length;) {
      SEQUENCE.lastIndex = at;
      const sequence = text[at] === '\x1b' ? SEQUENCE.exec(text)?.[0] : undefined;
      if (sequence) this.obey(sequence);
      else this.write(text[at] ?? '');
      at += sequence?.length ?? 1;
    }
    this.column = column ?? this.cells.length;
  }

  get length(): number {
    return this.cells.length;
  }

  write(character: string): void {
    this.cells[this.column] = { style: this.style, character };
    this.column += 1;
  }

  obey(sequence: string): void {
    if (sequence.endsWith('m')) this.style = /^.\[0*m$/.test(sequence) ? '' : this.style + sequence;
    else if (/^.\[0?K$/.test(sequence)) this.cells.length = Math.min(this.cells.length, this.column);
    else if (sequence === '\x1b[2K') this.cells = [];
    while (this.cells.length < this.column) this.cells.push({ style: '', character: ' ' });
  }

  text(): string {
    let style = '';
    let text = '';
    for (const cell of this.cells) {
      if (cell.style !== style) text += (style ? RESET : '') + cell.style;
      style = cell.style;
      text += cell.character;
    }
    return this.style === style ? text : text + (style ? RESET : '') + this.style;
  }

  /** Return the line's text, and begin the next one in the same style. */
  end(): string {
    const text = this.text();
    this.cells = [];
    this.column = 0;
    return text;
  }
}

/** Return the text without any sequence of a terminal, to be copied or read aloud. */
export const plain = (text: string): string => Anser.ansiToText(links(text));
